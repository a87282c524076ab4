-- Grain: one row. What the judge found, in documents that the store already holds.
SELECT
    count(*) FILTER (WHERE verdict = 'newer') AS newer,
    count(*) FILTER (WHERE verdict = 'same') AS same,
    count(*) FILTER (WHERE verdict = 'stale') AS stale,
    count(*) FILTER (WHERE moved) AS moved
FROM verdicts
