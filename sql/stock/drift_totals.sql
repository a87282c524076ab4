-- What is open by location and cause: `open` counts that differ, with the units that they have too
-- few (`missing`) and too many (`found`), `in_flight` of the missing perhaps gone untold; or open
-- contradictions and their units. Grain: (location, cause). Adds up the open rows of show/drift.
SELECT location_id AS location, cause, count(*) AS open,
    CAST(sum(CASE WHEN corrected < 0 THEN -corrected ELSE 0 END) AS bigint) AS missing,
    CAST(sum(CASE WHEN corrected > 0 THEN corrected ELSE 0 END) AS bigint) AS found,
    CAST(sum(-explained) AS bigint) AS in_flight,
    CAST(0 AS bigint) AS contradictions,
    CAST(0 AS bigint) AS contradicts
FROM stock_drift
WHERE state IN ('in_flight', 'drift') AND cause <> 'opening'
GROUP BY location_id, cause
UNION ALL
SELECT location_id, kind, CAST(0 AS bigint), CAST(0 AS bigint), CAST(0 AS bigint),
    CAST(0 AS bigint), count(*), CAST(sum(units) AS bigint)
FROM stock_contradictions
WHERE state = 'open'
GROUP BY location_id, kind
ORDER BY location, cause
