-- The counts of each (location, sku) of tmp_touched that are not older than `since` there.
-- Grain: (location, sku, counted_at). An older count is not moved by what happened since. Reads
-- counts from $since on, whatever the history.
SELECT c.location_id, c.sku, c.counted_at, c.quantity, c.means, c.fetched_at, c.batch_id
FROM stock_counts c
JOIN tmp_touched k
    ON k.location_id = c.location_id AND k.sku = c.sku AND c.counted_at >= k.since
WHERE c.counted_at >= $since
