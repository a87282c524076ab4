-- How often a correction of a count was posted. Grain: one row a cause_id of tmp_causes.
SELECT m.cause_id, count(*) AS movements
FROM stock_movements m
JOIN tmp_causes c ON c.cause_id = m.cause_id
WHERE m.cause = 'count'
GROUP BY m.cause_id
