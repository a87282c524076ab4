-- Units that the orders of tmp_sale_orders sold, where it was in a store with the store.
-- Grain: (order, SKU, location; empty where none). Units are of the SKU; what was canceled, or
-- refunded before it shipped, is not sold. A kit that a store sold is a sale of its components
-- besides, as one that was given to locations is: by the bill the ledger booked it by.
-- Reads their lines (tmp_sale_lines) and what was refunded of them (tmp_sale_refunds).
WITH refunded AS (
    SELECT order_id, line_id, sum(quantity) AS quantity
    FROM tmp_sale_refunds
    WHERE restock = 'cancel'
    GROUP BY order_id, line_id
),
sold AS (
    SELECT l.order_id, l.sku, coalesce(l.location_id, '') AS location_id,
        CASE WHEN o.counts
            THEN greatest(l.ordered_quantity
                - greatest(l.canceled_quantity, coalesce(r.quantity, 0)), 0) * l.units_per
            ELSE 0 END AS units
    FROM tmp_sale_orders o
    JOIN tmp_sale_lines l ON l.order_id = o.order_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    WHERE l.sku IS NOT NULL
),
parts AS (
    SELECT s.order_id, b.sku, s.location_id, s.units * b.quantity AS units
    FROM sold s
    JOIN booked_bills k
        ON k.cause = 'sale' AND k.cause_id = s.order_id AND k.kit_sku = s.sku
    JOIN bills b ON b.bill_id = k.bill_id
    WHERE s.location_id <> ''
)
SELECT order_id, sku, location_id, CAST(sum(units) AS bigint) AS units
FROM (SELECT * FROM sold UNION ALL SELECT * FROM parts) AS w
GROUP BY order_id, sku, location_id
