-- Grain: an incoming document whose key the store holds. A greater (source_version,
-- fetched_at, record_hash) is newer; the same version and hash is the same document.
-- moved: the same document, fetched later, or in a greater batch of that time.
-- Names in braces are identifiers of schema.py; aliases: t target, i incoming.
CREATE OR REPLACE TEMPORARY TABLE verdicts AS
SELECT
    f.*,
    CASE
        WHEN i.source_version = t.source_version AND i.record_hash = t.record_hash THEN 'same'
        WHEN (i.source_version, i.fetched_at, i.record_hash)
            > (t.source_version, t.fetched_at, t.record_hash) THEN 'newer'
        ELSE 'stale'
    END AS verdict,
    i.source_version = t.source_version AND i.record_hash = t.record_hash
    AND (i.fetched_at, i.batch_id) > (t.fetched_at, t.batch_id) AS moved
FROM found AS f
INNER JOIN {table} AS t ON {row_is_f}
INNER JOIN incoming AS i ON {f_is_i}
