-- Counts since $since of the locations and SKUs of tmp_supply_due. Grain: count.
SELECT c.location_id, c.sku, c.counted_at
FROM stock_counts c
JOIN tmp_supply_due d ON d.location_id = c.location_id AND d.sku = c.sku
WHERE c.counted_at >= $since
