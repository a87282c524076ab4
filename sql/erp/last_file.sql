-- The newest export. Grain: one row, or none before the first.
SELECT sequence, name, planned_at, state, sha256 FROM files
WHERE destination = 'erp' AND flow = 'erp_orders'
ORDER BY sequence DESC
LIMIT 1
