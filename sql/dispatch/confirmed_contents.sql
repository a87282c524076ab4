-- What lies in the parcels of the fulfillment orders of tmp_confirmed.
-- Grain and key: (shipment_id, line_id, sku).
SELECT s.fo_id, l.shipment_id, l.line_id, l.sku, l.quantity
FROM shipments s
JOIN shipment_lines l ON l.shipment_id = s.shipment_id
WHERE s.fo_id IN (SELECT t.fo_id FROM tmp_confirmed t)
ORDER BY l.shipment_id, l.line_id, l.sku
