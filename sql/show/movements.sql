-- Movements of one SKU, newest first, and how many there are (`of_all`). Grain: movement.
SELECT valid_at, known_at, cause, from_account, to_account, quantity, cause_id,
    count(*) OVER () AS of_all
FROM stock_movements WHERE sku = $sku
ORDER BY valid_at DESC, movement_id
LIMIT $limit
