-- Orders placed since $first that came, were resolved, refunded, given to locations or taken back
-- since $since. Grain: order_id. `counts` is false for a canceled order: nobody wanted it.
WITH merged AS (
    SELECT batch_id FROM batches WHERE merged_at >= $since
),
touched AS (
    SELECT o.order_id FROM merged b JOIN orders o ON o.batch_id = b.batch_id
    UNION
    SELECT r.order_id FROM merged b JOIN refunds r ON r.batch_id = b.batch_id
    UNION
    SELECT order_id FROM resolutions WHERE resolved_at >= $since
    UNION
    SELECT order_id FROM fulfillment_orders WHERE planned_at >= $since OR closed_at >= $since
)
SELECT o.order_id, o.channel_id, o.placed_at, o.order_status <> 'canceled' AS counts
FROM touched t
JOIN orders o ON o.order_id = t.order_id
WHERE o.placed_at >= $first
