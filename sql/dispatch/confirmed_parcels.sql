-- Parcels of the fulfillment orders of tmp_confirmed. Grain and key: shipment_id.
SELECT s.*
FROM shipments s
WHERE s.fo_id IN (SELECT t.fo_id FROM tmp_confirmed t)
ORDER BY s.shipment_id
