-- Grain: a stored row whose key columns come in. One pass over the key columns alone; the rest
-- is read by row number, only where those rows lie.
-- Names in braces are identifiers of schema.py; aliases: t target, k keys.
CREATE OR REPLACE TEMPORARY TABLE {name} AS
SELECT *
FROM {table}
WHERE rowid IN (SELECT t.rowid FROM {table} AS t SEMI JOIN {keys} AS k ON {same})
