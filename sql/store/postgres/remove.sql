-- Grain: a stored row that a newer one replaces.
-- Names in braces are identifiers of schema.py; aliases: t target, v verdicts.
DELETE FROM {table} AS t
USING verdicts AS v
WHERE {t_is_v} AND v.verdict = 'newer'
