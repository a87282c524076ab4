-- Levels a channel has to hear of, with the SKU as the channel writes it. Grain: sku.
-- `showing` is what the channel should be showing now: the newest level it accepted or was seen
-- to show, less what it sold since and took off itself. Sales before $since are left to the
-- full pass ($full), which takes every level.
-- A level that was refused is sent again when it changes; where the channel never took one, it
-- does not list the SKU, and only the full pass asks again.
WITH listed AS (
    SELECT sku, channel_sku, units_per
    FROM (
        SELECT sku, channel_sku, units_per,
            row_number() OVER (PARTITION BY sku ORDER BY units_per, channel_sku) AS place
        FROM sku_map
        WHERE channel_id = $channel_id
    ) AS ranked
    WHERE place = 1
),
known AS (
    SELECT v.*,
        CASE WHEN v.accepted_at IS NULL OR v.observed_at > v.accepted_at
            THEN v.observed ELSE v.accepted END AS base,
        CASE WHEN v.accepted_at IS NULL OR v.observed_at > v.accepted_at
            THEN v.observed_at ELSE v.accepted_at END AS base_at
    FROM levels v
    WHERE v.channel_id = $channel_id
),
recent AS (
    SELECT order_id, placed_at
    FROM orders
    WHERE channel_id = $channel_id AND placed_at >= $since
),
sold AS (
    SELECT l.sku, sum(l.ordered_quantity * l.units_per) AS units
    FROM recent o
    JOIN order_lines l ON l.order_id = o.order_id
    JOIN known k ON k.sku = l.sku AND o.placed_at > k.base_at
    GROUP BY l.sku
)
SELECT k.channel_id, k.sku, k.desired, k.desired_at, k.version, k.sent, k.sent_version, k.sent_at,
    coalesce(k.held, 0) AS held, k.accepted, k.accepted_at, k.observed, k.observed_at, k.error,
    coalesce(m.channel_sku, k.sku) AS channel_sku, coalesce(m.units_per, 1) AS units_per,
    CAST(k.base - coalesce(s.units, 0) AS bigint) AS showing
FROM known k
LEFT JOIN listed m ON m.sku = k.sku
LEFT JOIN sold s ON s.sku = k.sku
WHERE $full OR k.sent_version IS NULL OR CASE
    WHEN k.error IS NULL
        THEN k.sent_version < k.version OR k.base - coalesce(s.units, 0) IS DISTINCT FROM k.desired
    WHEN left(k.error, 5) = 'retry' THEN TRUE
    ELSE k.accepted IS NOT NULL AND k.sent_version < k.version
END
ORDER BY k.sku
