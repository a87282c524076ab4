-- Lines of the orders channels wait for the merchant to accept, oldest order first.
-- Grain: (key, line). Units are of the SKU.
SELECT x.key, x.destination, o.order_id, o.external_id, l.line_id, l.sku,
    (l.ordered_quantity - l.canceled_quantity) * l.units_per AS units
FROM outbox x
JOIN orders o ON o.order_id = x.subject
JOIN order_lines l ON l.order_id = o.order_id
WHERE x.kind = 'acceptance' AND x.state = 'pending'
    AND x.next_attempt_at <= $now
ORDER BY o.placed_at, x.key, l.line_id
