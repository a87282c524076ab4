-- Units each listing sold since its newest known level: its channel has taken them off itself.
-- `units_read` of them were sold before the channel was last read; `canceled` were called off
-- since, and the channel may have put them back. `taken` is what it sold since it was last sent a
-- level (`sent_at`), whatever became of that, less what was canceled. Grain: (channel, channel
-- SKU). Orders placed before $since are left to the full pass.
WITH recent AS (
    SELECT order_id, channel_id, placed_at, updated_at, order_status
    FROM orders
    WHERE placed_at >= $since
), known AS (
    SELECT channel_id, channel_sku, observed_at, sent_at,
        CASE
            WHEN accepted_at IS NULL
                OR (left(error, 5) = 'retry' AND observed_at >= accepted_at) THEN observed_at
            WHEN seen_at > accepted_at THEN seen_at
            ELSE accepted_at
        END AS base_at
    FROM levels
), lines AS (
    SELECT o.channel_id, l.channel_sku, o.placed_at, o.updated_at, l.ordered_quantity AS ordered,
        CASE WHEN o.order_status = 'canceled' THEN l.ordered_quantity
            ELSE l.canceled_quantity END AS canceled
    FROM recent o
    JOIN order_lines l ON l.order_id = o.order_id
)
SELECT l.channel_id, l.channel_sku, k.sent_at,
    CAST(sum(CASE WHEN l.placed_at > k.base_at THEN l.ordered ELSE 0 END) AS bigint) AS units,
    CAST(sum(CASE WHEN l.placed_at > k.base_at AND l.placed_at <= k.observed_at
        THEN l.ordered ELSE 0 END) AS bigint) AS units_read,
    CAST(sum(CASE WHEN l.updated_at > k.base_at THEN l.canceled ELSE 0 END) AS bigint) AS canceled,
    CAST(sum(CASE WHEN l.placed_at > k.sent_at THEN l.ordered - l.canceled ELSE 0 END) AS bigint)
        AS taken
FROM lines l
JOIN known k ON k.channel_id = l.channel_id AND k.channel_sku = l.channel_sku
    AND (l.placed_at > k.base_at OR l.updated_at > k.base_at OR l.placed_at > k.sent_at)
GROUP BY l.channel_id, l.channel_sku, k.sent_at
