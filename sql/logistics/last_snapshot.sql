-- The last good stock snapshot of a location read before $before: the rows of its batch.
-- Grain: (sku, counted_at). Empty when nothing was counted yet.
SELECT sku, quantity, counted_at, batch_id
FROM stock_counts
WHERE location_id = $location_id AND batch_id = (
    SELECT c.batch_id
    FROM stock_counts c
    WHERE c.location_id = $location_id AND c.fetched_at < $before
    ORDER BY c.fetched_at DESC, c.counted_at DESC, c.batch_id DESC
    LIMIT 1
)
ORDER BY sku, counted_at
