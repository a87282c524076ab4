-- SKU of announced lines. Grain: (order, line).
SELECT w.order_id, w.line_id, l.sku
FROM tmp_lines w
JOIN order_lines l ON l.order_id = w.order_id AND l.line_id = w.line_id
