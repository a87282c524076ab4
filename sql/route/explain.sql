-- Candidates of one order in the newest plan that looked at it. Grain: (part, location).
SELECT d.plan_id, d.part, d.rule, d.location_id, d.verdict, d.failed_test, d.rank, d.score,
    d.distance_km, d.lost_to
FROM decisions d
JOIN plans p ON p.plan_id = d.plan_id
WHERE d.order_id = $order_id AND p.planned_at = (
    SELECT max(q.planned_at) FROM decisions e JOIN plans q ON q.plan_id = e.plan_id
    WHERE e.order_id = $order_id
)
ORDER BY d.plan_id, d.part, CASE d.verdict WHEN 'chosen' THEN 0 WHEN 'possible' THEN 1 ELSE 2 END,
    d.rank, d.location_id
