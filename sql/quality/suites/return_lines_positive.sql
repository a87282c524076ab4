-- No return line has a negative quantity.
-- Grain: one row a line that breaks it. Keys: return_id, line_id. Guarantee: at most 100 rows.
SELECT return_id, line_id FROM return_lines WHERE quantity < 0 LIMIT 100
