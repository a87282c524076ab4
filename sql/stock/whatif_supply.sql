-- What came to and left the shelves in [$since, $until) whatever the levels: receipts, returns,
-- counts, sales over the counter, what earlier orders still took, and what was not found. What
-- orders of the period took on the channels of tmp_channels is left out: a replay sells anew.
-- Grain: (movement, location); quantity is negative where units left.
WITH own AS (
    SELECT o.order_id
    FROM orders o
    JOIN tmp_channels c ON c.channel_id = o.channel_id
    WHERE o.placed_at >= $since AND o.placed_at < $until
),
taken AS (
    SELECT f.fo_id || '/' || l.line_id || '/' || l.sku AS cause_id
    FROM fulfillment_orders f
    JOIN own o ON o.order_id = f.order_id
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
),
moved AS (
    SELECT m.*
    FROM stock_movements m
    LEFT JOIN taken t ON m.cause IN ('allocation', 'release')
        AND t.cause_id = m.cause_id
    LEFT JOIN own o ON m.cause = 'sale' AND o.order_id = m.cause_id
    WHERE m.valid_at >= $since AND m.valid_at < $until
        AND t.cause_id IS NULL AND o.order_id IS NULL
)
SELECT m.valid_at AS at, m.known_at, l.location_id, m.sku, m.quantity
FROM moved m
JOIN locations l ON m.to_account = l.location_id || '/sellable'
UNION ALL
SELECT m.valid_at, m.known_at, l.location_id, m.sku, -m.quantity
FROM moved m
JOIN locations l ON m.from_account = l.location_id || '/sellable'
UNION ALL
SELECT m.valid_at, m.known_at, l.location_id, m.sku, -m.quantity
FROM moved m
JOIN taken t ON t.cause_id = m.cause_id
JOIN locations l ON m.from_account = l.location_id || '/allocated'
WHERE m.cause = 'short_pick' AND m.valid_at >= $since AND m.valid_at < $until
ORDER BY 1, 3, 4, 5
