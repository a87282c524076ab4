-- Every return line belongs to a return.
-- Grain: one row a line that breaks it. Keys: return_id, line_id. Guarantee: at most 100 rows.
SELECT l.return_id, l.line_id FROM return_lines AS l
WHERE NOT EXISTS (SELECT 1 FROM returns AS r WHERE r.return_id = l.return_id)
LIMIT 100
