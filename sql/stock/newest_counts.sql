-- The newest count of each (location, sku) of tmp_touched, if it is not older than `since` there.
-- Grain: (location, sku). An older count is not moved by what happened since. Reads counts from
-- $since on, whatever the history.
SELECT location_id, sku, counted_at, quantity, means
FROM (
    SELECT c.location_id, c.sku, c.counted_at, c.quantity, c.means,
        row_number() OVER (PARTITION BY c.location_id, c.sku ORDER BY c.counted_at DESC) AS place
    FROM stock_counts c
    JOIN tmp_touched k
        ON k.location_id = c.location_id AND k.sku = c.sku AND c.counted_at >= k.since
    WHERE c.counted_at >= $since
) AS ranked
WHERE place = 1
