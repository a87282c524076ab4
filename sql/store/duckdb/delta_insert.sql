-- Grain: a row of the delta whose key the table has not. Names in braces are of schema.py.
INSERT INTO {table} ({columns})
SELECT {columns}
FROM {delta} AS i
WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {t_is_i})
