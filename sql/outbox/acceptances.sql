-- Orders a channel waits for the merchant to accept, with their lines and whether the
-- locations have all of it. Grain: (key, line).
WITH shelf AS (
    SELECT b.sku, sum(b.quantity) AS quantity
    FROM stock_balances b
    JOIN locations l ON b.account = l.location_id || '/sellable'
    GROUP BY b.sku
)
SELECT x.key, o.external_id, l.line_id,
    coalesce(s.quantity, 0) >= (l.ordered_quantity - l.canceled_quantity) * l.units_per AS covered
FROM outbox x
JOIN orders o ON o.order_id = x.subject
JOIN order_lines l ON l.order_id = o.order_id
LEFT JOIN shelf s ON s.sku = l.sku
WHERE x.kind = 'acceptance' AND x.state = 'pending' AND x.destination = $channel_id
    AND x.next_attempt_at <= $now
ORDER BY x.key, l.line_id
