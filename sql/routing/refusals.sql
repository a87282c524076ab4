-- Locations that refused a SKU of an open order, and are not offered it again.
-- Grain: (order_id, sku, location_id). Reads the temporary table tmp_routing_under_way.
SELECT DISTINCT order_id, sku, location_id
FROM tmp_routing_under_way
WHERE refused_quantity > 0 OR state = 'refused'
ORDER BY order_id, sku, location_id
