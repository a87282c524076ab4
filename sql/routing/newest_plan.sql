-- The plan stored last. Grain: one row, or none.
SELECT plan_id, lines, allocated_lines, unfilled_lines
FROM plans
ORDER BY planned_at DESC, plan_id DESC
LIMIT 1
