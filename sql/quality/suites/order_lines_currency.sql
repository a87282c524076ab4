-- Every line is in the currency of its order.
-- Grain: one row a line that breaks it. Keys: order_id, line_id. Guarantee: at most 100 rows.
SELECT l.order_id, l.line_id FROM order_lines AS l
JOIN orders AS o ON o.order_id = l.order_id AND o.currency <> l.currency
LIMIT 100
