-- What shadows would have done in total, by the name and version of their rules; the plans both
-- made alone. Grain: (rules, rules_version).
SELECT rules, rules_version, count(*) AS plans, CAST(sum(moved_orders) AS bigint) AS moved_orders,
    CAST(sum(live_allocated_lines) AS bigint) AS live_allocated_lines,
    CAST(sum(allocated_lines) AS bigint) AS allocated_lines,
    CAST(sum(live_parcels) AS bigint) AS live_parcels, CAST(sum(parcels) AS bigint) AS parcels,
    sum(live_cost) AS live_cost, sum(cost) AS cost, sum(live_km) AS live_km, sum(km) AS km
FROM shadow_plans
WHERE error IS NULL
GROUP BY rules, rules_version
ORDER BY max(planned_at) DESC, rules, rules_version
