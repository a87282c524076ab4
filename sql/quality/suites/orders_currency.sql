-- Every currency is three capital letters.
-- Grain: one row an order that breaks it. Keys: order_id. Guarantee: at most 100 rows.
SELECT order_id FROM orders
WHERE length(currency) <> 3 OR currency <> upper(currency) OR lower(currency) = upper(currency)
LIMIT 100
