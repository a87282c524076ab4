-- Kits of tmp_till, tmp_announced and tmp_returned that no bill is kept for yet, each with the bill
-- to book it by. Grain: (cause, cause_id, kit_sku). Of what comes back, the bill by which its order
-- was shipped or sold; else, as of a sale, the one in use. `begun` as in owed_movements.sql.
WITH kits AS (
    SELECT DISTINCT 'sale' AS cause, o.order_id AS cause_id, o.order_id, l.sku AS kit_sku,
        o.placed_at AS begun
    FROM tmp_till o
    JOIN order_lines l ON l.order_id = o.order_id AND l.location_id IS NOT NULL
    UNION ALL
    SELECT 'return', receipt_id || '/' || line_no, order_id, sku, received_at - INTERVAL '60' DAY
    FROM tmp_returned
    UNION ALL
    SELECT DISTINCT 'announcement', a.return_id, a.order_id, l.sku, a.announced_at
    FROM tmp_announced a
    JOIN return_lines l ON l.return_id = a.return_id
),
unbooked AS (
    SELECT k.*
    FROM kits k
    LEFT JOIN booked_bills d
        ON d.cause = k.cause AND d.cause_id = k.cause_id AND d.kit_sku = k.kit_sku
    WHERE d.bill_id IS NULL AND EXISTS (SELECT 1 FROM bills b WHERE b.kit_sku = k.kit_sku)
),
shipped AS (
    SELECT u.order_id, u.kit_sku, max(l.bill_id) AS bill_id
    FROM (SELECT DISTINCT order_id, kit_sku FROM unbooked WHERE cause <> 'sale') u
    JOIN fulfillment_orders f ON f.order_id = u.order_id
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id AND l.shipped_quantity > 0
    JOIN bills b ON b.bill_id = l.bill_id AND b.sku = l.sku AND b.kit_sku = u.kit_sku
    GROUP BY u.order_id, u.kit_sku
),
in_use AS (
    SELECT DISTINCT kit_sku, bill_id FROM bills WHERE in_use
)
SELECT u.cause, u.cause_id, u.kit_sku, coalesce(s.bill_id, d.bill_id, i.bill_id) AS bill_id, u.begun
FROM unbooked u
LEFT JOIN shipped s ON s.order_id = u.order_id AND s.kit_sku = u.kit_sku
LEFT JOIN booked_bills d
    ON d.cause = 'sale' AND d.cause_id = u.order_id AND d.kit_sku = u.kit_sku
LEFT JOIN in_use i ON i.kit_sku = u.kit_sku
WHERE coalesce(s.bill_id, d.bill_id, i.bill_id) IS NOT NULL
