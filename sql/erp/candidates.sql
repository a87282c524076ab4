-- Order versions merged since the last export. Grain: order. Those exported before are among
-- them when they were merely read again.
SELECT o.order_id, o.record_hash, o.updated_at
FROM batches b
JOIN orders o ON o.batch_id = b.batch_id
WHERE b.merged_at >= $since
ORDER BY o.order_id
