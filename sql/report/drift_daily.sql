-- Counts that differed from the ledger by the day they were taken, location and cause: how many, in
-- units, and what of it is open. First counts of a shelf are none. Grain: (day, location, cause).
SELECT CAST(counted_at AT TIME ZONE 'UTC' AS date) AS day, location_id AS location, cause,
    count(*) AS counts,
    CAST(sum(abs(difference)) AS bigint) AS units,
    CAST(sum(CASE WHEN state IN ('in_flight', 'drift') THEN 1 ELSE 0 END) AS bigint) AS open,
    CAST(sum(CASE WHEN state IN ('in_flight', 'drift') THEN abs(corrected) ELSE 0 END) AS bigint)
        AS open_units
FROM stock_drift
WHERE cause <> 'opening'
GROUP BY CAST(counted_at AT TIME ZONE 'UTC' AS date), location_id, cause
ORDER BY day, location, cause
