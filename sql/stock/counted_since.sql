-- Locations and SKUs counted in batches merged since $since, with the oldest such count.
-- Grain: (location, sku).
SELECT c.location_id, c.sku, min(c.counted_at) AS since
FROM batches b
JOIN stock_counts c ON c.batch_id = b.batch_id
WHERE b.merged_at >= $since
GROUP BY c.location_id, c.sku
