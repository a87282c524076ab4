-- Lines of one order in SKU units, of a kit in whole kits: what is to ship, what locations have, and why the rest waits.
-- Grain: line.
WITH parts AS (
    SELECT l.line_id, l.bill_id, coalesce(max(b.quantity), 1) AS per,
        CAST(sum(CASE WHEN f.state IN ('refused', 'canceled') THEN l.shipped_quantity
                 ELSE l.quantity - l.refused_quantity END) AS bigint) AS units,
        CAST(sum(l.shipped_quantity) AS bigint) AS shipped
    FROM fulfillment_orders f
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
    LEFT JOIN bills b ON b.bill_id = l.bill_id AND b.sku = l.sku
    WHERE f.order_id = $order_id
    GROUP BY l.line_id, l.bill_id, CASE WHEN l.bill_id IS NOT NULL THEN l.sku END
),
given AS (
    SELECT line_id, sum(units) AS units, sum(shipped) AS shipped
    FROM (
        SELECT line_id, min(units / per) AS units, min(shipped / per) AS shipped
        FROM parts
        GROUP BY line_id, bill_id
    ) AS whole
    GROUP BY line_id
),
refunded AS (
    SELECT line_id, sum(quantity) AS quantity
    FROM refund_lines
    WHERE order_id = $order_id AND restock = 'cancel'
    GROUP BY line_id
),
counted AS (
    SELECT o.order_status, o.hold_reason, o.delivery_mode, l.line_id, l.sku, l.channel_sku,
        coalesce(l.requires_shipping, true) AS ships,
        (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
            * l.units_per AS wanted,
        coalesce(g.units, 0) AS given, coalesce(g.shipped, 0) AS left_with,
        l.shipped_quantity * l.units_per AS told
    FROM orders o
    JOIN order_lines l ON l.order_id = o.order_id
    LEFT JOIN given g ON g.line_id = l.line_id
    LEFT JOIN refunded r ON r.line_id = l.line_id
    WHERE o.order_id = $order_id
)
SELECT line_id, coalesce(sku, channel_sku) AS sku, CAST(wanted AS bigint) AS wanted,
    CAST(given AS bigint) AS given,
    CAST(CASE WHEN ships THEN greatest(wanted - greatest(given, told), 0) ELSE 0 END AS bigint)
        AS waiting,
    CASE
        WHEN NOT ships THEN 'nothing to ship: no goods'
        WHEN order_status = 'canceled' AND given = 0 THEN 'the order is canceled'
        WHEN wanted <= 0 THEN 'nothing to ship: canceled or refunded'
        WHEN delivery_mode = 'none' THEN 'sold and handed over at the till'
        WHEN left_with >= wanted THEN 'shipped'
        WHEN given >= wanted THEN 'given to locations'
        WHEN greatest(given, told) >= wanted THEN 'the channel says it has shipped'
        WHEN order_status = 'canceled' THEN 'the order is canceled'
        WHEN order_status = 'closed' THEN 'the order is closed'
        WHEN hold_reason IS NOT NULL OR order_status = 'held'
            THEN 'held: ' || coalesce(hold_reason, 'by the channel')
        WHEN sku IS NULL AND channel_sku IS NULL THEN 'the channel gave no SKU; give it one there'
        WHEN sku IS NULL THEN 'the SKU is unknown; add it to catalog.skus or catalog.sku_map'
        WHEN $looked THEN 'no location can ship it yet; see why below'
        ELSE 'the next sync plans it'
    END AS why
FROM counted
ORDER BY line_id
