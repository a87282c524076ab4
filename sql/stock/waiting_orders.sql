-- Who is served first among the orders of tmp_waiting_orders. Grain: order.
SELECT order_id, priority, placed_at FROM tmp_waiting_orders
