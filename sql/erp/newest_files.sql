-- The newest export and the one before it, newest first. Grain: sequence.
SELECT sequence, name, planned_at, state, sha256 FROM files
WHERE destination = 'erp' AND flow = 'erp_orders'
ORDER BY sequence DESC
LIMIT 2
