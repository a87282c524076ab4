-- When the weights of escrow were last renewed. Grain: one row; null before the first time.
SELECT max(computed_at) AS computed_at FROM stock_weights
