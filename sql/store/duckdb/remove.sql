-- Grain: a stored row that a newer one replaces. Names in braces are of schema.py.
DELETE FROM {table} AS t
USING verdicts AS v
WHERE {row_is_v} AND v.verdict = 'newer'
