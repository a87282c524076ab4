-- The plans made from $since up to $until, both included. Grain: plan_id.
SELECT plan_id, plan_hash, planned_at
FROM plans
WHERE planned_at >= $since AND planned_at <= $until
ORDER BY planned_at, plan_id
