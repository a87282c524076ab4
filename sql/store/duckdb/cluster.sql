-- Grain: a stored row, in the order in which it shall lie. Names in braces are of schema.py.
CREATE OR REPLACE TEMPORARY TABLE clustered AS
SELECT {columns}
FROM {table}
ORDER BY {by}
