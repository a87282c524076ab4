-- Receipts of the orders in tmp_orders with the order line they belong to, and whether the order
-- held their SKU at all, where one of the two changes.
-- Grain and key: (receipt_id, line_no). Guarantee: the units linked to a line never exceed those
-- delivered of it, a kit by its components; what came beyond is linked to no line. Depends on the facts alone, not on
-- the order they came in: the line the receipt names, else one of its return, else the first of
-- the SKU; receipts in order of the time they came. `now_not_ordered` is true or null: null too
-- while the order, or the SKU of one of its lines, is unknown.
WITH shipped_by AS (
    SELECT s.order_id, f.line_id, max(f.bill_id) AS bill_id
    FROM tmp_orders t
    JOIN shipments s ON s.order_id = t.order_id
    JOIN fulfillment_lines f ON f.fo_id = s.fo_id
    WHERE f.bill_id IS NOT NULL
    GROUP BY s.order_id, f.line_id
),
lines AS (
    SELECT l.order_id, l.line_id, l.sku, l.shipped_quantity * l.units_per AS told, w.bill_id
    FROM tmp_orders t
    JOIN order_lines l ON l.order_id = t.order_id
    LEFT JOIN shipped_by w ON w.order_id = l.order_id AND w.line_id = l.line_id
),
shipped AS (
    SELECT s.order_id, l.line_id, coalesce(b.sku, l.sku) AS sku,
        sum(l.quantity * coalesce(b.quantity, 1)) AS units
    FROM tmp_orders t
    JOIN shipments s ON s.order_id = t.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    LEFT JOIN bills b ON b.kit_sku = l.sku AND b.in_use
    GROUP BY s.order_id, l.line_id, coalesce(b.sku, l.sku)
    UNION ALL
    SELECT l.order_id, l.line_id, coalesce(b.sku, l.sku), l.told * coalesce(b.quantity, 1)
    FROM lines l
    LEFT JOIN bills b ON (b.bill_id = l.bill_id)
        OR (l.bill_id IS NULL AND b.kit_sku = l.sku AND b.in_use)
    WHERE l.sku IS NOT NULL
),
held AS (
    SELECT l.order_id, l.sku
    FROM lines l
    UNION
    SELECT order_id, sku FROM shipped
),
known AS (
    SELECT order_id FROM held GROUP BY order_id HAVING count(*) = count(sku)
),
delivered AS (
    SELECT order_id, line_id, sku, max(units) AS units
    FROM shipped
    WHERE units > 0
    GROUP BY order_id, line_id, sku
),
delivered_as AS (
    SELECT order_id, line_id, sku FROM delivered
    UNION
    -- a kit that came back whole belongs to a line that sold it
    SELECT l.order_id, l.line_id, l.sku
    FROM lines l
    JOIN delivered d ON d.order_id = l.order_id AND d.line_id = l.line_id
    WHERE l.sku IS NOT NULL
),
of_return AS (
    SELECT r.return_id, d.sku, min(d.line_id) AS line_id
    FROM tmp_orders t
    JOIN returns r ON r.order_id = t.order_id
    JOIN return_lines l ON l.return_id = r.return_id
    JOIN delivered_as d ON d.order_id = r.order_id AND d.line_id = l.line_id
    WHERE r.other_channel IS NOT TRUE
    GROUP BY r.return_id, d.sku
),
of_order AS (
    SELECT order_id, sku, min(line_id) AS line_id FROM delivered_as GROUP BY order_id, sku
),
wanted AS (
    SELECT c.receipt_id, c.line_no, c.order_id, c.sku, c.quantity, c.received_at,
        c.line_id AS linked, coalesce(n.line_id, r.line_id, o.line_id) AS line_id
    FROM tmp_orders t
    JOIN return_receipts c ON c.order_id = t.order_id
    LEFT JOIN delivered_as n
        ON n.order_id = c.order_id AND n.line_id = c.told_line_id AND n.sku = c.sku
    LEFT JOIN of_return r ON r.return_id = c.return_id AND r.sku = c.sku
    LEFT JOIN of_order o ON o.order_id = c.order_id AND o.sku = c.sku
),
parts AS (
    SELECT w.receipt_id, w.line_no, w.order_id, w.line_id, w.received_at, w.linked,
        coalesce(b.sku, w.sku) AS sku, w.quantity * coalesce(b.quantity, 1) AS quantity
    FROM wanted w
    LEFT JOIN bills b ON b.kit_sku = w.sku AND b.in_use
),
sized AS (
    SELECT p.*, d.units, k.order_id IS NOT NULL AND h.order_id IS NULL AS strange,
        min(CASE WHEN p.quantity <= d.units THEN 1 ELSE 0 END) OVER (
            PARTITION BY p.receipt_id, p.line_no
        ) AS fits
    FROM parts p
    LEFT JOIN delivered d
        ON d.order_id = p.order_id AND d.line_id = p.line_id AND d.sku = p.sku
    LEFT JOIN known k ON k.order_id = p.order_id
    LEFT JOIN held h ON h.order_id = p.order_id AND h.sku = p.sku
),
counted AS (
    SELECT z.*,
        -- a receipt that is too much alone leaves the room to others
        sum(CASE WHEN z.fits = 1 THEN z.quantity ELSE 0 END) OVER (
            PARTITION BY z.order_id, z.line_id, z.sku
            ORDER BY z.received_at, z.receipt_id, z.line_no ROWS UNBOUNDED PRECEDING
        ) AS so_far
    FROM sized z
),
linked AS (
    SELECT receipt_id, line_no, linked,
        CASE WHEN max(CASE WHEN strange THEN 1 ELSE 0 END) = 1 THEN true END AS not_ordered,
        CASE WHEN min(fits) = 1 AND min(CASE WHEN so_far <= units THEN 1 ELSE 0 END) = 1
            THEN line_id END AS line_id
    FROM counted
    GROUP BY receipt_id, line_no, linked, line_id
)
SELECT c.*, k.line_id AS now_line_id, k.not_ordered AS now_not_ordered
FROM linked k
JOIN return_receipts c ON c.receipt_id = k.receipt_id AND c.line_no = k.line_no
WHERE k.line_id IS DISTINCT FROM k.linked OR k.not_ordered IS DISTINCT FROM c.not_ordered
ORDER BY c.receipt_id, c.line_no
