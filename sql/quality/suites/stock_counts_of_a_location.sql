-- Every count is of a location that oms.yaml declares, or once declared.
-- Grain: one row a location that breaks it. Keys: location_id. Guarantee: at most 100 rows.
SELECT DISTINCT c.location_id FROM stock_counts AS c
WHERE NOT EXISTS (SELECT 1 FROM locations AS x WHERE x.location_id = c.location_id)
LIMIT 100
