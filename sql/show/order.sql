-- One order by its id, external id or number. Grain: order.
SELECT * FROM orders
WHERE order_id = $wanted OR external_id = $wanted OR number = $wanted
ORDER BY order_id
LIMIT 10
