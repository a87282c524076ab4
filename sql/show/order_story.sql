-- What happened to one order, oldest first. Grain: event.
SELECT f.planned_at AS happened_at, 'given to ' || f.location_id AS event, f.fo_id AS about
FROM fulfillment_orders f WHERE f.order_id = $order_id
UNION ALL
SELECT f.dispatched_at, 'dispatched in a file', f.file_name
FROM fulfillment_orders f WHERE f.order_id = $order_id AND f.dispatched_at IS NOT NULL
UNION ALL
SELECT s.shipped_at, 'shipped from ' || s.location_id, s.tracking_number
FROM shipments s WHERE s.order_id = $order_id
UNION ALL
SELECT e.occurred_at, e.status, e.tracking_number
FROM shipments s
JOIN tracking_events e ON e.tracking_number = s.tracking_number AND e.carrier_id = s.carrier_id
WHERE s.order_id = $order_id
UNION ALL
SELECT x.delivered_at,
    CASE x.kind
        WHEN 'message' THEN 'message sent: ' || coalesce(x.step, '')
        WHEN 'tracking' THEN 'parcel told to the channel'
        WHEN 'acceptance' THEN 'accepted on the channel'
        WHEN 'erp' THEN 'exported for the ERP'
        ELSE x.kind
    END, x.destination
FROM outbox x
WHERE x.delivered_at IS NOT NULL AND (x.subject = $order_id
    OR x.subject IN (SELECT s.shipment_id FROM shipments s WHERE s.order_id = $order_id)
    OR x.subject IN (SELECT f.fo_id FROM fulfillment_orders f WHERE f.order_id = $order_id))
UNION ALL
SELECT r.announced_at, 'return ' || r.status, r.return_id FROM returns r WHERE r.order_id = $order_id
UNION ALL
SELECT c.received_at,
    'return received: ' || c.disposition || CASE WHEN c.not_ordered THEN ', not ordered' ELSE '' END,
    c.receipt_id
FROM return_receipts c WHERE c.order_id = $order_id
ORDER BY 1, 2, 3
