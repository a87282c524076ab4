-- Units shipped by day, channel and SKU: what returns are a share of. Grain: (day, channel, sku).
SELECT CAST(s.shipped_at AS date) AS day, o.channel_id AS channel, l.sku,
    CAST(sum(l.quantity) AS bigint) AS shipped
FROM shipments s
JOIN orders o ON o.order_id = s.order_id
JOIN shipment_lines l ON l.shipment_id = s.shipment_id
GROUP BY CAST(s.shipped_at AS date), o.channel_id, l.sku
ORDER BY day, channel, sku
