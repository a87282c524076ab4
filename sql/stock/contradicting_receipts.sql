-- Goods of tmp_came (receipt lines, as the ledger names them) that came back beyond what left for
-- their order: by the hub's parcels, by the channel's word, or over the counter. Kits count as
-- their components, by the bill they were booked, or given to locations, by.
-- Grain: (receipt line, sku). Reads receipts since $since, and of their orders all that came back.
WITH orders_of AS (
    SELECT DISTINCT r.order_id
    FROM return_receipts r
    JOIN tmp_came t ON t.subject = r.receipt_id || '/' || r.line_no
    WHERE r.received_at >= $since AND r.order_id IS NOT NULL
),
received AS (
    SELECT r.order_id, r.receipt_id || '/' || r.line_no AS subject, r.location_id,
        coalesce(b.sku, r.sku) AS sku, r.quantity * coalesce(b.quantity, 1) AS quantity
    FROM orders_of a
    JOIN return_receipts r ON r.order_id = a.order_id
    LEFT JOIN booked_bills k
        ON k.cause = 'return' AND k.cause_id = r.receipt_id || '/' || r.line_no
        AND k.kit_sku = r.sku
    LEFT JOIN bills b ON b.bill_id = k.bill_id
),
back AS (
    SELECT order_id, sku, sum(quantity) AS units FROM received GROUP BY order_id, sku
),
parcels AS (
    SELECT a.order_id, l.sku, sum(l.quantity) AS units
    FROM orders_of a
    JOIN shipments s ON s.order_id = a.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    GROUP BY a.order_id, l.sku
),
given AS (
    SELECT a.order_id, l.line_id, max(l.bill_id) AS bill_id
    FROM orders_of a
    JOIN fulfillment_orders f ON f.order_id = a.order_id
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
    GROUP BY a.order_id, l.line_id
),
in_use AS (
    SELECT DISTINCT kit_sku, bill_id FROM bills WHERE in_use
),
left_by_line AS (
    SELECT l.order_id, l.sku, coalesce(k.bill_id, g.bill_id, i.bill_id) AS bill_id,
        l.units_per * CASE
            WHEN o.delivery_mode = 'none' THEN l.ordered_quantity - l.canceled_quantity
            ELSE l.shipped_quantity
        END AS units
    FROM orders_of a
    JOIN orders o ON o.order_id = a.order_id
    JOIN order_lines l ON l.order_id = a.order_id
    LEFT JOIN booked_bills k
        ON k.cause = 'sale' AND k.cause_id = l.order_id AND k.kit_sku = l.sku
    LEFT JOIN given g ON g.order_id = l.order_id AND g.line_id = l.line_id
    LEFT JOIN in_use i ON i.kit_sku = l.sku
    WHERE l.sku IS NOT NULL
),
told AS (
    SELECT l.order_id, coalesce(b.sku, l.sku) AS sku,
        sum(l.units * coalesce(b.quantity, 1)) AS units
    FROM left_by_line l
    LEFT JOIN bills b ON b.bill_id = l.bill_id
    GROUP BY l.order_id, coalesce(b.sku, l.sku)
)
SELECT 'received_more' AS kind, c.location_id, c.sku, c.subject,
    CAST(least(c.quantity, b.units - greatest(coalesce(p.units, 0), coalesce(t.units, 0)))
        AS bigint) AS units
FROM received c
JOIN tmp_came m ON m.subject = c.subject
JOIN back b ON b.order_id = c.order_id AND b.sku = c.sku
LEFT JOIN parcels p ON p.order_id = c.order_id AND p.sku = c.sku
LEFT JOIN told t ON t.order_id = c.order_id AND t.sku = c.sku
WHERE b.units > greatest(coalesce(p.units, 0), coalesce(t.units, 0))
