-- Lines of the orders of one export, without personal data. Grain: (order, line).
SELECT o.order_id, o.channel_id, o.number, o.placed_at, o.updated_at, o.order_status,
    o.payment_status, o.fulfillment_status, o.currency, o.total_amount, o.refunded_amount,
    l.line_id, l.sku, l.channel_sku, l.ordered_quantity, l.canceled_quantity, l.unit_price,
    l.line_amount, l.tax_amount
FROM outbox x
JOIN orders o ON o.order_id = x.subject
JOIN order_lines l ON l.order_id = o.order_id
WHERE x.kind = 'erp' AND x.step = $step AND x.state = 'pending'
ORDER BY o.order_id, l.line_id
