-- Parcels of pending tracking intents, a row a line, in the channel's sold units; of an order
-- the parcel that left first comes first. Grain: (key, line).
-- `complete` on the last parcel of an order of which nothing is left to ship by anyone.
WITH pending AS (
    SELECT x.key, s.shipment_id, s.order_id, s.carrier_id, s.tracking_number, s.shipped_at,
        o.external_id,
        row_number() OVER (PARTITION BY s.order_id ORDER BY s.shipped_at DESC, s.shipment_id DESC)
            AS from_last
    FROM outbox x
    JOIN shipments s ON s.shipment_id = x.subject
    JOIN orders o ON o.order_id = s.order_id
    WHERE x.kind = 'tracking' AND x.state = 'pending' AND x.destination = $channel_id
        AND x.next_attempt_at <= $now
),
sent AS (
    SELECT s.order_id, l.line_id, sum(l.quantity) AS units
    FROM shipments s
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    WHERE s.order_id IN (SELECT p.order_id FROM pending p)
    GROUP BY s.order_id, l.line_id
),
refunded AS (
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM refund_lines r
    WHERE r.restock = 'cancel' AND r.order_id IN (SELECT p.order_id FROM pending p)
    GROUP BY r.order_id, r.line_id
),
owed AS (
    SELECT l.order_id, count(*) AS lines
    FROM order_lines l
    LEFT JOIN sent t ON t.order_id = l.order_id AND t.line_id = l.line_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    WHERE l.order_id IN (SELECT p.order_id FROM pending p) AND coalesce(l.requires_shipping, TRUE)
        AND (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
            * l.units_per > coalesce(t.units, 0)
    GROUP BY l.order_id
)
SELECT p.key, p.shipment_id, p.external_id, p.carrier_id, p.tracking_number, p.shipped_at,
    l.line_id, CAST(max(l.quantity / coalesce(o.units_per, 1)) AS bigint) AS quantity,
    p.from_last = 1 AND coalesce(max(w.lines), 0) = 0 AS complete
FROM pending p
JOIN shipment_lines l ON l.shipment_id = p.shipment_id
LEFT JOIN order_lines o ON o.order_id = p.order_id AND o.line_id = l.line_id
LEFT JOIN owed w ON w.order_id = p.order_id
GROUP BY p.key, p.shipment_id, p.external_id, p.carrier_id, p.tracking_number, p.shipped_at,
    p.from_last, l.line_id
ORDER BY p.shipped_at, p.key, l.line_id
