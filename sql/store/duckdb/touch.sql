-- Grain: a stored document that came again: it takes the later fetch and its batch.
-- Names in braces are identifiers of schema.py; aliases: t target, v verdicts, i incoming.
UPDATE {table} AS t
SET fetched_at = i.fetched_at, batch_id = i.batch_id
FROM verdicts AS v
INNER JOIN incoming AS i ON {v_is_i}
WHERE {row_is_v} AND v.moved
