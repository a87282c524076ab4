-- Candidates of one order in the newest plan that looked at it, with that plan's clock.
-- Grain: (part, location).
SELECT d.plan_id, p.planned_at, d.part + 1 AS part, d.rule, d.location_id, d.verdict,
    d.failed_test, d.rank, d.score, d.change, d.distance_km, d.assumed, d.lost_to
FROM decisions d
JOIN plans p ON p.plan_id = d.plan_id
WHERE d.order_id = $order_id AND p.plan_id = (
    SELECT q.plan_id
    FROM decisions e
    JOIN plans q ON q.plan_id = e.plan_id
    WHERE e.order_id = $order_id
    ORDER BY q.planned_at DESC, q.plan_id DESC
    LIMIT 1
)
ORDER BY d.part, CASE d.verdict WHEN 'chosen' THEN 0 WHEN 'possible' THEN 1 ELSE 2 END,
    coalesce(d.rank, 1000000), d.location_id
