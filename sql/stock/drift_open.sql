-- Open drift by cause: counts that differ, units either way, and when the oldest was found.
-- Grain: (state, cause).
SELECT state, cause, count(*) AS counts, CAST(sum(abs(drift)) AS bigint) AS units,
    min(found_at) AS oldest
FROM stock_drift
WHERE state IN ('in_flight', 'drift')
GROUP BY state, cause
ORDER BY units DESC, cause
