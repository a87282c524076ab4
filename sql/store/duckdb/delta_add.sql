-- Grain: a stored row that a row of the delta adds to.
-- Names in braces are identifiers of schema.py; aliases: t target, i delta.
UPDATE {table} AS t
SET {sums}
FROM {delta} AS i
WHERE {t_is_i}
