-- Grain: a stored row whose key comes in. One pass over the key columns alone; all that
-- follows goes by row number, which reads only the blocks those rows lie in.
-- Names in braces are identifiers of schema.py; aliases: t target, i incoming.
CREATE OR REPLACE TEMPORARY TABLE found AS
SELECT
    t.rowid AS stored_row,
    {t_key}
FROM {table} AS t
SEMI JOIN incoming AS i ON {t_is_i}
