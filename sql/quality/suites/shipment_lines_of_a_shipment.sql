-- Every parcel line belongs to a parcel, and ships a unit or more.
-- Grain: one row a line that breaks it. Keys: shipment_id, line_id, sku.
-- Guarantee: at most 100 rows.
SELECT l.shipment_id, l.line_id, l.sku FROM shipment_lines AS l
WHERE l.quantity <= 0
    OR NOT EXISTS (SELECT 1 FROM shipments AS s WHERE s.shipment_id = l.shipment_id)
LIMIT 100
