-- Every order's key is its channel and the channel's own identifier.
-- Grain: one row an order that breaks it. Keys: order_id. Guarantee: at most 100 rows.
SELECT order_id FROM orders WHERE order_id <> channel_id || '/' || external_id LIMIT 100
