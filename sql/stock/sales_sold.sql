-- Units that the orders of tmp_sale_orders sold, where it was in a store with the store.
-- Grain: (order, SKU, location; empty where none). Units are of the SKU; what was canceled, or
-- refunded before it shipped, is not sold.
-- Reads their lines (tmp_sale_lines) and what was refunded of them (tmp_sale_refunds).
WITH refunded AS (
    SELECT order_id, line_id, sum(quantity) AS quantity
    FROM tmp_sale_refunds
    WHERE restock = 'cancel'
    GROUP BY order_id, line_id
)
SELECT l.order_id, l.sku, coalesce(l.location_id, '') AS location_id,
    CAST(sum(CASE WHEN o.counts
        THEN greatest(l.ordered_quantity
            - greatest(l.canceled_quantity, coalesce(r.quantity, 0)), 0) * l.units_per
        ELSE 0 END) AS bigint) AS units
FROM tmp_sale_orders o
JOIN tmp_sale_lines l ON l.order_id = o.order_id
LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
WHERE l.sku IS NOT NULL
GROUP BY l.order_id, l.sku, coalesce(l.location_id, '')
