-- Grain: a row of the clustered copy, in its order. Names in braces are of schema.py.
INSERT INTO {table} ({columns})
SELECT {columns}
FROM clustered
