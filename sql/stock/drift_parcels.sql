-- Parcels that confirm units of tmp_cases twice: several parcels of one quantity of one order line,
-- together more than was asked for. Grain: (location, sku, counted_at, fulfillment line); `units`
-- are those beyond what was asked. Reads parcels that left since $since.
SELECT c.location_id, c.sku, c.counted_at,
    CAST(sum(l.quantity) - max(a.quantity) AS bigint) AS units,
    string_agg(s.shipment_id, ', ' ORDER BY s.shipment_id) AS evidence,
    max(s.shipped_at) AS events_at
FROM tmp_cases c
JOIN shipments s ON s.location_id = c.location_id
    AND s.shipped_at <= c.counted_at AND s.shipped_at > c.counted_at - INTERVAL '14' DAY
JOIN shipment_lines l ON l.shipment_id = s.shipment_id AND l.sku = c.sku
JOIN fulfillment_lines a ON a.fo_id = s.fo_id AND a.line_id = l.line_id AND a.sku = l.sku
WHERE c.missing < 0 AND s.shipped_at > $since
GROUP BY c.location_id, c.sku, c.counted_at, s.fo_id, l.line_id, l.quantity
HAVING count(*) > 1 AND sum(l.quantity) > max(a.quantity)
