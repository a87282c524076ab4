-- Parts that were planned, stand in no dispatch file, and may be planned again: of open orders that
-- may ship. Grain and key: (fo_id, line_id, sku). Units are of the SKU. A part of which anything
-- was shipped or refused is left out, and one whose time to leave has come: it only waits for its
-- file, and planned again each tick it would wait for ever.
SELECT f.fo_id, f.order_id, l.line_id, l.sku, f.location_id, l.quantity, f.ship_by, f.service,
    f.carrier_id, f.planned_at, l.bill_id
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
JOIN orders o ON o.order_id = f.order_id
WHERE f.state = 'planned' AND f.file_name IS NULL AND f.closed_at IS NULL
    AND o.order_status = 'open' AND o.hold_reason IS NULL
    AND coalesce(o.delivery_mode, 'home') <> 'none'
    AND (f.ship_by IS NULL OR f.ship_by > $now)
    AND NOT EXISTS (
        SELECT 1 FROM fulfillment_lines x
        WHERE x.fo_id = f.fo_id AND (x.shipped_quantity > 0 OR x.refused_quantity > 0)
    )
ORDER BY f.fo_id, l.line_id, l.sku
