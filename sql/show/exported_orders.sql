-- Orders of one export for the ERP. Grain: order version.
SELECT x.subject AS order_id, o.number, o.order_status, x.state
FROM outbox x
LEFT JOIN orders o ON o.order_id = x.subject
WHERE x.kind = 'erp' AND x.step = $step
ORDER BY x.subject
