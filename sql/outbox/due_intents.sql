-- What the state of the store obliges the hub to tell, and has not promised yet.
-- Grain: one row an intent; key: its stable key. Nothing older than $since is told anew, so a
-- replay of the past tells nobody anything.
WITH intents AS (
    SELECT 'tracking/' || s.shipment_id AS key, 'tracking' AS kind, o.channel_id AS destination,
        s.shipment_id AS subject, CAST(NULL AS text) AS step
    FROM shipments s
    JOIN orders o ON o.order_id = s.order_id
    WHERE s.known_at >= $since
    UNION ALL
    SELECT 'message/' || o.order_id || '//retrieved', 'message', o.channel_id, o.order_id, 'retrieved'
    FROM orders o
    WHERE o.order_status = 'open' AND o.delivery_mode <> 'none' AND o.placed_at >= $since
    UNION ALL
    SELECT 'message/' || f.order_id || '/' || f.fo_id || '/preparing', 'message', o.channel_id,
        f.fo_id, 'preparing'
    FROM fulfillment_orders f
    JOIN orders o ON o.order_id = f.order_id
    WHERE f.dispatched_at >= $since AND f.state NOT IN ('canceled', 'cancel_requested', 'refused')
    UNION ALL
    SELECT 'message/' || s.order_id || '/' || s.shipment_id || '/shipped', 'message', o.channel_id,
        s.shipment_id, 'shipped'
    FROM shipments s
    JOIN orders o ON o.order_id = s.order_id
    WHERE s.known_at >= $since
    UNION ALL
    SELECT 'message/' || s.order_id || '/' || s.shipment_id || '/delivered', 'message', o.channel_id,
        s.shipment_id, 'delivered'
    FROM shipments s
    JOIN orders o ON o.order_id = s.order_id
    WHERE s.status = 'Delivered' AND s.status_at >= $since
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
    -- an intent is promised at the earliest when its cause is known: older promises are of
    -- older causes, and need not be looked through
    SELECT key FROM outbox WHERE created_at >= $promised_since OR kind = 'acceptance'
) AS x ON x.key = i.key
WHERE x.key IS NULL
ORDER BY i.key
