-- Orders and returns a parcel at the dock may belong to: by order number, RMA, tracking number.
-- Grain: (order, return).
SELECT o.order_id, o.number, o.placed_at, r.return_id, r.rma, r.status, r.reason_code,
    r.location_id, r.tracking_number
FROM orders o
LEFT JOIN returns r ON r.order_id = o.order_id
WHERE o.order_id = $wanted OR o.number = $wanted OR o.external_id = $wanted
    OR r.rma = $wanted OR r.return_id = $wanted OR r.tracking_number = $wanted
    OR o.order_id IN (SELECT s.order_id FROM shipments s WHERE s.tracking_number = $wanted)
ORDER BY o.placed_at DESC, o.order_id, r.return_id
LIMIT 20
