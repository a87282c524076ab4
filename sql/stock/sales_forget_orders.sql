-- Forget what orders placed before $first added: their days are measured no more. Grain: order.
DELETE FROM order_sales WHERE day < $first
