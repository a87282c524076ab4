-- What came to and left the sellable shelves but by plans, known from $since up to $until.
-- Grain: (known_at, location_id, sku); negative where units left.
WITH legs AS (
    SELECT m.known_at, l.location_id, m.sku, m.quantity
    FROM stock_movements m
    JOIN locations l ON m.to_account = l.location_id || '/sellable'
    WHERE m.cause <> 'allocation' AND m.known_at >= $since AND m.known_at <= $until
    UNION ALL
    SELECT m.known_at, l.location_id, m.sku, -m.quantity
    FROM stock_movements m
    JOIN locations l ON m.from_account = l.location_id || '/sellable'
    WHERE m.cause <> 'allocation' AND m.known_at >= $since AND m.known_at <= $until
)
SELECT known_at, location_id, sku, CAST(sum(quantity) AS bigint) AS quantity
FROM legs
GROUP BY known_at, location_id, sku
HAVING sum(quantity) <> 0
ORDER BY known_at, location_id, sku
