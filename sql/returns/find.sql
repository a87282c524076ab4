-- Orders and returns a parcel at the dock may belong to: by order number, RMA, tracking number;
-- returns of no known order too, with what keeps them from one.
-- Grain: (order, return). `not_ordered`: units received for the order that it did not hold.
WITH strange AS (
    SELECT order_id, CAST(sum(quantity) AS bigint) AS units
    FROM return_receipts WHERE not_ordered GROUP BY order_id
),
found AS (
    SELECT o.order_id, o.number, o.placed_at, r.return_id, r.rma, r.status, r.reason_code,
        r.location_id, r.tracking_number, coalesce(x.units, 0) AS not_ordered, r.order_fault
    FROM orders o
    LEFT JOIN returns r ON r.order_id = o.order_id
    LEFT JOIN strange x ON x.order_id = o.order_id
    WHERE o.order_id = $wanted OR o.number = $wanted OR o.external_id = $wanted
        OR r.rma = $wanted OR r.return_id = $wanted OR r.tracking_number = $wanted
        OR o.order_id IN (SELECT s.order_id FROM shipments s WHERE s.tracking_number = $wanted)
    UNION ALL
    SELECT CAST(NULL AS text), r.told_order, CAST(NULL AS timestamptz), r.return_id, r.rma,
        r.status, r.reason_code, r.location_id, r.tracking_number, 0, r.order_fault
    FROM returns r
    LEFT JOIN orders o ON o.order_id = r.order_id
    WHERE o.order_id IS NULL AND (r.told_order = $wanted OR r.rma = $wanted
        OR r.return_id = $wanted OR r.tracking_number = $wanted)
)
SELECT *
FROM found
ORDER BY placed_at DESC NULLS LAST, order_id, return_id
