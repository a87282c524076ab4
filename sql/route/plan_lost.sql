-- Orders of one plan that lost what they wanted, to whom, and at which locations.
-- Grain: (order_id, lost_to). At most $limit, of `of_all`.
SELECT order_id, lost_to, string_agg(location_id, ', ' ORDER BY location_id) AS locations,
    count(*) OVER () AS of_all
FROM decisions
WHERE plan_id = $plan_id AND lost_to IS NOT NULL
GROUP BY order_id, lost_to
ORDER BY order_id, lost_to
LIMIT $limit
