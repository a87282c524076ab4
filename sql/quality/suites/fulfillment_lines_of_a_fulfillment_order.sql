-- Every fulfillment line belongs to a fulfillment order.
-- Grain: one row a line that breaks it. Keys: fo_id, line_id, sku. Guarantee: at most 100 rows.
SELECT l.fo_id, l.line_id, l.sku FROM fulfillment_lines AS l
WHERE NOT EXISTS (SELECT 1 FROM fulfillment_orders AS f WHERE f.fo_id = l.fo_id)
LIMIT 100
