-- When the sales of orders were last measured otherwise. Grain: one row; null before the first.
SELECT max(known_at) AS known_at FROM order_sales
