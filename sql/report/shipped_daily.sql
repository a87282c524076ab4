-- Units shipped or handed over by day, channel and SKU: what returns are a share of.
-- A kit counts as its components. Grain: (day, channel, sku).
WITH gone AS (
    SELECT CAST(s.shipped_at AS date) AS day, o.channel_id AS channel, l.sku, l.quantity
    FROM shipments s
    JOIN orders o ON o.order_id = s.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    UNION ALL
    SELECT CAST(o.placed_at AS date), o.channel_id, coalesce(b.sku, l.sku),
        (l.ordered_quantity - l.canceled_quantity) * l.units_per * coalesce(b.quantity, 1)
    FROM orders o
    JOIN order_lines l ON l.order_id = o.order_id
    LEFT JOIN bills b ON b.kit_sku = l.sku AND b.in_use
    WHERE o.delivery_mode = 'none' AND o.order_status <> 'canceled' AND l.sku IS NOT NULL
)
SELECT day, channel, sku, CAST(sum(quantity) AS bigint) AS shipped
FROM gone
GROUP BY day, channel, sku
ORDER BY day, channel, sku
