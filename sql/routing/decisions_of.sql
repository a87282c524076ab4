-- The decisions of one plan. Grain: (order_id, part, location_id).
SELECT order_id, part, location_id, rule, verdict, failed_test, distance_km, score, change, rank,
    lost_to, assumed
FROM decisions
WHERE plan_id = $plan_id
ORDER BY order_id, part, location_id
