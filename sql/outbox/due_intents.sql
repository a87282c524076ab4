-- What the state of the store obliges the hub to tell, and has not promised yet.
-- Grain: one row an intent; key: its stable key. Events older than $since are told to no
-- customer, so a replay of the past tells nobody anything; facts known before $recent were
-- looked at when they came. An order_id begins with its channel's id.
-- An intent is promised at the earliest when its cause is known: promises before
-- $promised_since are of older causes and need not be looked through.
WITH parcels AS (
    SELECT s.shipment_id, s.order_id, s.shipped_at, s.status, s.status_at, s.known_at
    FROM shipments s
    WHERE s.known_at >= $recent OR s.status_at >= $since
),
intents AS (
    SELECT 'tracking/' || shipment_id AS key, 'tracking' AS kind,
        split_part(order_id, '/', 1) AS destination, shipment_id AS subject,
        CAST(NULL AS text) AS step
    FROM parcels
    WHERE known_at >= $recent
    UNION ALL
    SELECT 'message/' || order_id || '//retrieved', 'message', channel_id, order_id, 'retrieved'
    FROM orders
    WHERE placed_at >= $since AND fetched_at >= $recent AND order_status = 'open'
        AND delivery_mode <> 'none' AND fulfillment_status <> 'fulfilled'
    UNION ALL
    -- the first part that is sent tells it for the whole order
    SELECT DISTINCT 'message/' || order_id || '//preparing', 'message',
        split_part(order_id, '/', 1), order_id, 'preparing'
    FROM fulfillment_orders
    WHERE dispatched_at >= $recent AND state NOT IN ('canceled', 'cancel_requested', 'refused')
    UNION ALL
    SELECT 'message/' || order_id || '/' || shipment_id || '/shipped', 'message',
        split_part(order_id, '/', 1), shipment_id, 'shipped'
    FROM parcels
    WHERE known_at >= $recent AND shipped_at >= $since
    UNION ALL
    SELECT 'message/' || order_id || '/' || shipment_id || '/delivered', 'message',
        split_part(order_id, '/', 1), shipment_id, 'delivered'
    FROM parcels
    WHERE status = 'Delivered' AND status_at >= $since
    UNION ALL
    SELECT 'acceptance/' || o.order_id, 'acceptance', o.channel_id, o.order_id, NULL
    FROM orders o
    WHERE o.order_status = 'held' AND o.hold_reason = 'waits for acceptance'
        AND NOT EXISTS (
            SELECT 1 FROM order_lines l WHERE l.order_id = o.order_id AND l.sku IS NULL
        )
)
SELECT i.key, i.kind, i.destination, i.subject, i.step
FROM intents i
LEFT JOIN (
    SELECT key FROM outbox WHERE created_at >= $promised_since OR kind = 'acceptance'
) AS x ON x.key = i.key
WHERE x.key IS NULL
ORDER BY i.key
