-- Locations that refused a SKU of an open order, and are not offered it again.
-- Grain: (order_id, sku, location_id).
SELECT DISTINCT f.order_id, l.sku, f.location_id
FROM orders o
JOIN fulfillment_orders f ON f.order_id = o.order_id
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE o.order_status = 'open' AND (l.refused_quantity > 0 OR f.state = 'refused')
ORDER BY f.order_id, l.sku, f.location_id
