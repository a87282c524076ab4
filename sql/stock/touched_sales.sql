-- Sales of tills that batches merged since $since brought, or whose lines were given another SKU
-- since. Grain: order_id.
SELECT o.order_id, o.order_status, o.placed_at
FROM batches b
JOIN orders o ON o.batch_id = b.batch_id
WHERE b.merged_at >= $since AND o.delivery_mode = 'none'
UNION
SELECT o.order_id, o.order_status, o.placed_at
FROM resolutions r
JOIN orders o ON o.order_id = r.order_id
WHERE r.resolved_at >= $since AND o.delivery_mode = 'none'
