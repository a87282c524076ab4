-- Movements of one SKU, newest first. Grain: movement.
SELECT valid_at, known_at, cause, from_account, to_account, quantity, cause_id
FROM stock_movements WHERE sku = $sku
ORDER BY valid_at DESC, movement_id
LIMIT $limit
