-- Pending messages with what their text needs. Grain: key. Personal data: for the mailer only.
SELECT x.key, x.step, o.order_id, o.number, o.channel_id, c.email, c.name,
    coalesce(o.language, '') AS language, s.carrier_id, s.tracking_number, o.delivery_mode
FROM outbox x
LEFT JOIN shipments s ON s.shipment_id = x.subject AND x.step IN ('shipped', 'delivered')
JOIN orders o ON o.order_id = coalesce(s.order_id, x.subject)
LEFT JOIN order_contacts c ON c.order_id = o.order_id
WHERE x.kind = 'message' AND x.state = 'pending' AND x.next_attempt_at <= $now
ORDER BY o.placed_at, x.key
