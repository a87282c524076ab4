-- Order versions merged since the last export and not exported yet. Grain: order.
SELECT o.order_id, o.record_hash
FROM orders o
JOIN batches b ON b.batch_id = o.batch_id AND b.merged_at >= $since
LEFT JOIN outbox x ON x.key = 'erp/' || o.order_id || '/' || o.record_hash
WHERE x.key IS NULL
ORDER BY o.order_id
