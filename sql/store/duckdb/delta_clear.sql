-- Leaves no row: all are in the table. Names in braces are of schema.py.
DELETE FROM {delta}
