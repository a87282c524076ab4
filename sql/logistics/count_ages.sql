-- The newest count of each location that has one. Grain and key: location_id.
SELECT location_id, max(counted_at) AS counted_at, count(DISTINCT sku) AS skus
FROM stock_counts
GROUP BY location_id
ORDER BY location_id
