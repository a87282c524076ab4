-- Grain: a stored row whose key columns come in.
-- Names in braces are identifiers of schema.py; aliases: t target, k keys.
CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS
SELECT t.*
FROM {table} AS t
WHERE EXISTS (SELECT 1 FROM {keys} AS k WHERE {same})
