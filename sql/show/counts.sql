-- The newest count of one SKU at each location. Grain: location.
SELECT c.location_id, c.counted_at, c.quantity, c.means
FROM stock_counts c
WHERE c.sku = $sku AND c.counted_at = (
    SELECT max(n.counted_at) FROM stock_counts n
    WHERE n.sku = $sku AND n.location_id = c.location_id
)
ORDER BY c.location_id
