-- Every line belongs to an order.
-- Grain: one row a line that breaks it. Keys: order_id, line_id. Guarantee: at most 100 rows.
SELECT l.order_id, l.line_id FROM order_lines AS l
WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = l.order_id)
LIMIT 100
