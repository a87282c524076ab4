-- Every held order says why.
-- Grain: one row an order that breaks it. Keys: order_id. Guarantee: at most 100 rows.
SELECT order_id FROM orders WHERE order_status = 'held' AND hold_reason IS NULL LIMIT 100
