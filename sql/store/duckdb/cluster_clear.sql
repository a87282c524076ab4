-- Leaves no row: all stand in the clustered copy. Names in braces are of schema.py.
DELETE FROM {table}
