-- What customers wait for now (tmp_demand), less what they waited for at the last computation.
-- Grain: (channel, sku) that differs; units.
SELECT coalesce(d.channel_id, l.channel_id) AS channel_id, coalesce(d.sku, l.sku) AS sku,
    CAST(coalesce(d.quantity, 0) - coalesce(l.quantity, 0) AS bigint) AS change
FROM tmp_demand d
FULL JOIN level_demand l ON l.channel_id = d.channel_id AND l.sku = d.sku
WHERE coalesce(d.quantity, 0) <> coalesce(l.quantity, 0)
