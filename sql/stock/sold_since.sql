-- Units each listing sold that its channel has taken off itself: `units` since its newest known
-- level, `taken` since it was last sent one (`sent_at`), whatever became of that, less what was
-- canceled.
-- Grain: (channel, channel SKU). Sales before $since are left to the full pass.
WITH recent AS (
    SELECT order_id, channel_id, order_status, placed_at FROM orders WHERE placed_at >= $since
),
sold AS (
    SELECT o.channel_id, l.channel_sku, v.sent_at, l.ordered_quantity,
        o.placed_at > v.sent_at AS after_sent,
        CASE WHEN o.order_status = 'canceled' THEN 0
            ELSE l.ordered_quantity - l.canceled_quantity END AS kept,
        o.placed_at > CASE WHEN v.accepted_at IS NULL OR v.observed_at > v.accepted_at
            THEN v.observed_at ELSE v.accepted_at END AS after_known
    FROM recent o
    JOIN order_lines l ON l.order_id = o.order_id
    JOIN levels v ON v.channel_id = o.channel_id AND v.channel_sku = l.channel_sku
)
SELECT channel_id, channel_sku, sent_at,
    CAST(sum(CASE WHEN after_known THEN ordered_quantity ELSE 0 END) AS bigint) AS units,
    CAST(sum(CASE WHEN after_sent THEN kept ELSE 0 END) AS bigint) AS taken
FROM sold
WHERE after_known OR after_sent
GROUP BY channel_id, channel_sku, sent_at
