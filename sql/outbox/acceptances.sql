-- Lines of the orders channels wait for the merchant to accept, oldest order first.
-- Grain: (key, line, SKU), a kit as its components. Units are of the SKU.
SELECT x.key, x.destination, o.order_id, o.external_id, l.line_id,
    coalesce(b.sku, l.sku) AS sku,
    (l.ordered_quantity - l.canceled_quantity) * l.units_per * coalesce(b.quantity, 1) AS units
FROM outbox x
JOIN orders o ON o.order_id = x.subject
JOIN order_lines l ON l.order_id = o.order_id
LEFT JOIN bills b ON b.kit_sku = l.sku AND b.in_use
WHERE x.kind = 'acceptance' AND x.state = 'pending'
    AND x.next_attempt_at <= $now
ORDER BY o.placed_at, x.key, l.line_id, coalesce(b.sku, l.sku)
