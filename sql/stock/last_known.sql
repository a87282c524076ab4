-- When the ledger last learned something. Grain: one row; null before the first movement.
SELECT max(known_at) AS known_at FROM stock_movements
