-- Units of an order's lines that left and may still come back. Grain: line.
-- Delivered is what the hub shipped or the channel says has shipped, whichever is more;
-- returns announced before count, but for those refused or canceled.
WITH sent AS (
    SELECT l.line_id, sum(l.quantity) AS quantity, max(s.location_id) AS location_id
    FROM shipments s
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    WHERE s.order_id = $order_id
    GROUP BY l.line_id
),
announced AS (
    SELECT l.line_id, sum(l.quantity) AS quantity
    FROM returns r
    JOIN return_lines l ON l.return_id = r.return_id
    WHERE r.order_id = $order_id AND r.status NOT IN ('refused', 'canceled')
    GROUP BY l.line_id
)
SELECT l.line_id, l.sku, l.units_per, coalesce(s.location_id, l.location_id) AS location_id,
    CAST(greatest(coalesce(s.quantity, 0) / l.units_per, l.shipped_quantity) AS bigint) AS delivered,
    CAST(greatest(coalesce(s.quantity, 0) / l.units_per, l.shipped_quantity)
        - coalesce(a.quantity, 0) AS bigint) AS returnable
FROM order_lines l
LEFT JOIN sent s ON s.line_id = l.line_id
LEFT JOIN announced a ON a.line_id = l.line_id
WHERE l.order_id = $order_id AND l.requires_shipping
ORDER BY l.line_id
