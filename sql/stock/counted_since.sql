-- Locations and SKUs counted in records read since $since. Grain: (location, sku).
SELECT DISTINCT location_id, sku FROM stock_counts WHERE fetched_at >= $since
