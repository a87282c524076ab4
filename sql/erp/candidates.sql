-- Order versions merged since the last export, or whose lines were given another SKU since.
-- Grain: order. Those exported before are among them when they were merely read again.
WITH touched AS (
    SELECT o.order_id
    FROM batches b
    JOIN orders o ON o.batch_id = b.batch_id
    WHERE b.merged_at >= $since
    UNION
    SELECT order_id FROM resolutions WHERE resolved_at >= $since
)
SELECT o.order_id, o.record_hash, o.updated_at, r.resolved_at
FROM touched t
JOIN orders o ON o.order_id = t.order_id
LEFT JOIN resolutions r ON r.order_id = t.order_id
ORDER BY o.order_id
