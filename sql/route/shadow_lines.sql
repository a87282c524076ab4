-- The lines that a plan and its shadow ship otherwise. Grain: (order_id, line_id, sku, location).
-- At most $limit, of `of_all`.
SELECT order_id, line_id, sku, location_id, live_quantity, quantity AS shadow_quantity,
    count(*) OVER () AS of_all
FROM shadow_lines
WHERE plan_id = $plan_id
ORDER BY order_id, line_id, sku, location_id
LIMIT $limit
