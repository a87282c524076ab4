-- Lines of the return notice file $name. Grain and key: (return_id, line_id). No personal data.
SELECT r.return_id, l.line_id, r.rma, r.order_id, l.sku, l.quantity, l.reason_code, r.status
FROM outbox x
JOIN returns r ON r.return_id = x.subject
JOIN return_lines l ON l.return_id = r.return_id
WHERE x.kind = 'return_notice' AND x.receipt = $name AND l.quantity > 0
