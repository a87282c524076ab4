-- The plans whose id begins with $wanted, newest first; where it is empty, those that gave
-- something to a location. Grain: plan_id. At most $limit, of `of_all`.
SELECT plan_id, plan_hash, rules_version, planned_at, lines, allocated_lines, unfilled_lines, cost,
    bound, gap, count(*) OVER () AS of_all
FROM plans
WHERE left(plan_id, length($wanted)) = $wanted AND ($wanted <> '' OR allocated_lines > 0)
ORDER BY planned_at DESC, plan_id DESC
LIMIT $limit
