-- Counts that differed from the ledger by the day they were taken, location and cause: how many, by
-- how many units they had too few (missing) and too many (found), and what of it is open. First
-- counts of a shelf are none, and neither are contradictions. Grain: (day, location, cause).
SELECT CAST(counted_at AT TIME ZONE 'UTC' AS date) AS day, location_id AS location, cause,
    count(*) AS counts,
    CAST(sum(CASE WHEN difference < 0 THEN -difference ELSE 0 END) AS bigint) AS missing,
    CAST(sum(CASE WHEN difference > 0 THEN difference ELSE 0 END) AS bigint) AS found,
    CAST(sum(CASE WHEN state IN ('in_flight', 'drift') THEN 1 ELSE 0 END) AS bigint) AS open,
    CAST(sum(CASE WHEN state IN ('in_flight', 'drift') AND corrected < 0 THEN -corrected ELSE 0 END)
        AS bigint) AS open_missing,
    CAST(sum(CASE WHEN state IN ('in_flight', 'drift') AND corrected > 0 THEN corrected ELSE 0 END)
        AS bigint) AS open_found
FROM stock_drift
WHERE cause <> 'opening'
GROUP BY CAST(counted_at AT TIME ZONE 'UTC' AS date), location_id, cause
ORDER BY day, location, cause
