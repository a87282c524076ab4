-- Plans and what `routing.shadow` would have done with the same inputs, newest first.
-- Grain: plan_id. At most $limit, of `of_all`.
SELECT plan_id, planned_at, rules, lines, moved_orders, live_allocated_lines, allocated_lines,
    live_parcels, parcels, live_cost, cost, live_km, km, error,
    count(*) OVER () AS of_all
FROM shadow_plans
ORDER BY planned_at DESC, plan_id DESC
LIMIT $limit
