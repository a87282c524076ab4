-- The first day that was measured, and whether the hub has orders from before $first.
-- Grain: one row; `day` is null while nothing was sold.
SELECT min(day) AS day, EXISTS (SELECT 1 FROM orders WHERE placed_at < $first) AS older
FROM daily_sales
