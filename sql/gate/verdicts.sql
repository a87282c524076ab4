-- Grain: one row a record kept back, with the first fault in the fixed order of tables, then of
-- keys. Keys: page, record. Guarantee: a record of which no document came is kept back too.
WITH keyed AS (
    SELECT page, record, arg_min(record_key, place) AS record_key
    FROM documents GROUP BY page, record
)
SELECT
    r.page,
    r.record,
    coalesce(k.record_key, '#' || left(r.record_hash, 12)) AS record_key,
    CASE WHEN f.fault IS NOT NULL THEN f.fault
         ELSE 'no order, refund or return came of it; send one this source is known for' END
        AS reason
FROM hashes AS r
LEFT JOIN keyed AS k USING (page, record)
LEFT JOIN (
    SELECT page, record, arg_min(fault, (place, fault)) AS fault
    FROM faults GROUP BY page, record
) AS f USING (page, record)
WHERE f.fault IS NOT NULL OR k.page IS NULL
ORDER BY r.page, r.record
