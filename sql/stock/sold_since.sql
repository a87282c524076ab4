-- Units each listing sold since its newest known level: its channel has taken them off itself.
-- Grain: (channel, channel SKU). Sales before $since are left to the full pass.
WITH recent AS (
    SELECT order_id, channel_id, placed_at FROM orders WHERE placed_at >= $since
)
SELECT o.channel_id, l.channel_sku, CAST(sum(l.ordered_quantity) AS bigint) AS units
FROM recent o
JOIN order_lines l ON l.order_id = o.order_id
JOIN levels v ON v.channel_id = o.channel_id AND v.channel_sku = l.channel_sku
    AND o.placed_at > CASE WHEN v.accepted_at IS NULL OR v.observed_at > v.accepted_at
        THEN v.observed_at ELSE v.accepted_at END
GROUP BY o.channel_id, l.channel_sku
