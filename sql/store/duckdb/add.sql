-- Grain: a stored row whose key comes in: its numbers grow by the incoming ones.
-- Names in braces are identifiers of schema.py; aliases: t target, v verdicts, i incoming.
UPDATE {table} AS t
SET {sums}
FROM verdicts AS v
INNER JOIN incoming AS i ON {v_is_i}
WHERE {row_is_v}
