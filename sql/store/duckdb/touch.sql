-- Grain: a stored document that came again: it takes the later fetch and its batch.
-- Names in braces are identifiers of schema.py; aliases: t target, v verdicts, i incoming.
UPDATE {table} AS t
SET fetched_at = m.fetched_at, batch_id = m.batch_id
FROM (
    SELECT
        v.stored_row,
        i.fetched_at,
        i.batch_id
    FROM verdicts AS v
    INNER JOIN incoming AS i ON {v_is_i}
    WHERE v.moved
) AS m
WHERE t.rowid = m.stored_row
