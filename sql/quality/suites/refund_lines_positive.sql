-- No refund line has a negative quantity or amount.
-- Grain: one row a line that breaks it. Keys: order_id, refund_id, line_id.
-- Guarantee: at most 100 rows.
SELECT order_id, refund_id, line_id FROM refund_lines WHERE quantity < 0 OR amount < 0 LIMIT 100
