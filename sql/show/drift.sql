-- Counts that differed from the ledger and facts that contradict it, the newest and the largest
-- first. Grain: (location, sku, counted_at), or a contradiction. First counts of a shelf are none.
SELECT location_id AS location, sku, cause, units, counted_at, found_at, age_hours, state, evidence
FROM (
    SELECT location_id, sku, cause, CASE WHEN state = 'drift' THEN drift ELSE difference END AS units,
        counted_at, found_at, state, evidence,
        CAST(extract(epoch FROM coalesce(closed_at, $now) - found_at) / 3600 AS bigint) AS age_hours
    FROM stock_drift
    WHERE cause <> 'opening'
    UNION ALL
    SELECT location_id, sku, kind, units, found_at, found_at, state, subject,
        CAST(extract(epoch FROM coalesce(closed_at, $now) - found_at) / 3600 AS bigint)
    FROM stock_contradictions
) AS told
WHERE ($closed OR state IN ('drift', 'in_flight', 'open'))
    AND ($location = '' OR location_id = $location) AND ($cause = '' OR cause = $cause)
ORDER BY counted_at DESC, abs(units) DESC, location_id, sku, cause
LIMIT $limit
