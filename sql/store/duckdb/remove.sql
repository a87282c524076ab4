-- Grain: a stored row that a newer one replaces. Names in braces are of schema.py.
DELETE FROM {table}
WHERE rowid IN (SELECT v.stored_row FROM verdicts AS v WHERE v.verdict = 'newer')
