-- Grain: a row of a child table. Removes all stored children of documents that got newer.
-- Names in braces are identifiers of schema.py; aliases: t target, v verdicts.
DELETE FROM {child} AS t
USING verdicts AS v
WHERE {t_is_v} AND v.verdict = 'newer'
