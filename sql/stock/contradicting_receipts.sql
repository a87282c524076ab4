-- Goods of tmp_came (receipt lines, as the ledger names them) that came back beyond what left for
-- their order: by the hub's parcels, by the channel's word, or over the counter.
-- Grain: receipt line. Reads receipts since $since, and of their orders all that came back.
WITH came AS (
    SELECT r.receipt_id || '/' || r.line_no AS subject, r.location_id, r.order_id, r.sku, r.quantity
    FROM return_receipts r
    JOIN tmp_came t ON t.subject = r.receipt_id || '/' || r.line_no
    WHERE r.received_at >= $since AND r.order_id IS NOT NULL
),
asked AS (
    SELECT DISTINCT order_id, sku FROM came
),
back AS (
    SELECT a.order_id, a.sku, sum(r.quantity) AS units
    FROM asked a
    JOIN return_receipts r ON r.order_id = a.order_id AND r.sku = a.sku
    GROUP BY a.order_id, a.sku
),
parcels AS (
    SELECT a.order_id, a.sku, sum(l.quantity) AS units
    FROM asked a
    JOIN shipments s ON s.order_id = a.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id AND l.sku = a.sku
    GROUP BY a.order_id, a.sku
),
told AS (
    SELECT a.order_id, a.sku, sum(l.units_per * CASE
        WHEN o.delivery_mode = 'none' THEN l.ordered_quantity - l.canceled_quantity
        ELSE l.shipped_quantity
    END) AS units
    FROM asked a
    JOIN orders o ON o.order_id = a.order_id
    JOIN order_lines l ON l.order_id = a.order_id AND l.sku = a.sku
    GROUP BY a.order_id, a.sku
)
SELECT 'received_more' AS kind, c.location_id, c.sku, c.subject,
    CAST(least(c.quantity, b.units - greatest(coalesce(p.units, 0), coalesce(t.units, 0)))
        AS bigint) AS units
FROM came c
JOIN back b ON b.order_id = c.order_id AND b.sku = c.sku
LEFT JOIN parcels p ON p.order_id = c.order_id AND p.sku = c.sku
LEFT JOIN told t ON t.order_id = c.order_id AND t.sku = c.sku
WHERE b.units > greatest(coalesce(p.units, 0), coalesce(t.units, 0))
