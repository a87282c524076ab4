-- Whether a plan is stored. Grain: one row, or none.
SELECT plan_id
FROM plans
WHERE plan_id = $plan_id
