-- The return and the order of each receipt line in tmp_receipts, where one alone fits.
-- Grain and key: (location_id, receipt_id, line_no); at most one row each.
-- A parcel that names an order only belongs to the one return of it that holds the SKU, or a kit of it.
WITH by_rma AS (
    SELECT t.location_id, t.receipt_id, t.line_no, min(r.return_id) AS return_id,
        min(r.order_id) AS order_id
    FROM tmp_receipts t
    JOIN returns r ON r.rma = t.rma OR r.return_id = t.rma
    GROUP BY t.location_id, t.receipt_id, t.line_no
    HAVING count(DISTINCT r.return_id) = 1
),
by_number AS (
    SELECT t.location_id, t.receipt_id, t.line_no, t.sku, min(o.order_id) AS order_id
    FROM tmp_receipts t
    JOIN orders o ON o.number = t.order_number OR o.order_id = t.order_number
    GROUP BY t.location_id, t.receipt_id, t.line_no, t.sku
    HAVING count(*) = 1
),
by_order AS (
    SELECT n.location_id, n.receipt_id, n.line_no, min(r.return_id) AS return_id
    FROM by_number n
    JOIN returns r ON r.order_id = n.order_id AND r.status NOT IN ('refused', 'canceled')
    WHERE EXISTS (
        SELECT 1 FROM return_lines l
        LEFT JOIN order_lines o ON o.order_id = r.order_id AND o.line_id = l.line_id
        LEFT JOIN bills b
            ON b.kit_sku = coalesce(l.sku, o.sku) AND b.in_use AND b.sku = n.sku
        WHERE l.return_id = r.return_id AND n.sku IN (coalesce(l.sku, o.sku), b.sku)
    )
    GROUP BY n.location_id, n.receipt_id, n.line_no
    HAVING count(*) = 1
)
SELECT t.location_id, t.receipt_id, t.line_no,
    coalesce(m.return_id, w.return_id) AS return_id,
    coalesce(m.order_id, n.order_id) AS order_id
FROM tmp_receipts t
LEFT JOIN by_rma m
    ON m.location_id = t.location_id AND m.receipt_id = t.receipt_id AND m.line_no = t.line_no
LEFT JOIN by_number n
    ON n.location_id = t.location_id AND n.receipt_id = t.receipt_id AND n.line_no = t.line_no
LEFT JOIN by_order w
    ON w.location_id = t.location_id AND w.receipt_id = t.receipt_id AND w.line_no = t.line_no
ORDER BY t.location_id, t.receipt_id, t.line_no
