-- What locations were given of one order. Grain: (fo, line, sku).
SELECT f.fo_id, f.location_id, f.state, l.line_id, l.sku, l.quantity, l.shipped_quantity AS shipped,
    l.refused_quantity AS refused, l.refusal_reason, f.service, f.carrier_id, f.ship_by,
    f.planned_at, f.plan_id, f.file_name
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE f.order_id = $order_id
ORDER BY f.planned_at, f.fo_id, l.line_id, l.sku
