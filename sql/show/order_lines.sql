-- Lines of one order with what the hub gave and shipped, in units of the SKU: of a kit, kits that
-- are whole. Grain: line.
WITH given AS (
    SELECT fl.line_id, fl.bill_id, CASE WHEN fl.bill_id IS NOT NULL THEN fl.sku END AS component,
        coalesce(max(b.quantity), 1) AS per, CAST(sum(fl.quantity) AS bigint) AS quantity,
        CAST(sum(fl.shipped_quantity) AS bigint) AS shipped
    FROM fulfillment_orders f
    JOIN fulfillment_lines fl ON fl.fo_id = f.fo_id
    LEFT JOIN bills b ON b.bill_id = fl.bill_id AND b.sku = fl.sku
    WHERE f.order_id = $order_id AND f.state NOT IN ('canceled', 'refused')
    GROUP BY fl.line_id, fl.bill_id, CASE WHEN fl.bill_id IS NOT NULL THEN fl.sku END
)
SELECT l.line_id, l.sku, l.channel_sku, l.ordered_quantity AS ordered,
    l.canceled_quantity AS canceled, coalesce(g.quantity, 0) AS allocated,
    coalesce(g.shipped, 0) AS shipped, coalesce(r.quantity, 0) AS returned,
    l.unit_price, l.currency
FROM order_lines l
LEFT JOIN (
    SELECT line_id, CAST(sum(quantity) AS bigint) AS quantity,
        CAST(sum(shipped) AS bigint) AS shipped
    FROM (
        SELECT line_id, min(quantity / per) AS quantity, min(shipped / per) AS shipped
        FROM given
        GROUP BY line_id, bill_id
    ) AS whole
    GROUP BY line_id
) AS g ON g.line_id = l.line_id
LEFT JOIN (
    SELECT line_id, CAST(sum(quantity) AS bigint) AS quantity
    FROM return_receipts WHERE order_id = $order_id GROUP BY line_id
) AS r ON r.line_id = l.line_id
WHERE l.order_id = $order_id
ORDER BY l.line_id
