-- Grain: the order lines of tmp_resolved. Keys: order_id, line_id.
-- Guarantee: they stand as the map and the catalog say.
UPDATE order_lines
SET sku = f.sku, units_per = f.units_per
FROM tmp_resolved AS f
WHERE order_lines.order_id = f.order_id AND order_lines.line_id = f.line_id
