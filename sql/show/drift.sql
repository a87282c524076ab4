-- Counts that differed from the ledger and facts that contradict it, the newest and the largest
-- first. Grain: (location, sku, counted_at), or a contradiction. First counts of a shelf are none.
-- `units` is counted less expected (missing is negative): what is still corrected of an open case,
-- `in_flight` of it perhaps by orders that left untold; of a closed one what was found at first.
-- A contradiction is of no count: it has `contradicts`, never negative, and no `counted_at`.
SELECT location_id AS location, sku, cause, units, in_flight, contradicts, counted_at, found_at,
    age_hours, state, evidence, count(*) OVER () AS of_all
FROM (
    SELECT location_id, sku, cause,
        CASE WHEN state IN ('drift', 'in_flight') THEN corrected ELSE difference END AS units,
        CASE WHEN state IN ('drift', 'in_flight') AND explained <> 0 THEN explained END AS in_flight,
        CAST(NULL AS bigint) AS contradicts, counted_at, found_at, state, evidence,
        CAST(extract(epoch FROM coalesce(closed_at, $now) - found_at) / 3600 AS bigint) AS age_hours
    FROM stock_drift
    WHERE cause <> 'opening'
    UNION ALL
    SELECT location_id, sku, kind, NULL, NULL, units, NULL, found_at, state, subject,
        CAST(extract(epoch FROM coalesce(closed_at, $now) - found_at) / 3600 AS bigint)
    FROM stock_contradictions
) AS told
WHERE ($closed OR state IN ('drift', 'in_flight', 'open'))
    AND ($location = '' OR location_id = $location) AND ($cause = '' OR cause = $cause)
ORDER BY coalesce(counted_at, found_at) DESC, abs(coalesce(units, contradicts)) DESC, location_id, sku, cause
LIMIT $limit
