-- What the listings of the SKUs of tmp_skus should show and may be showing, on channels that are
-- told no levels any more too: the most they were sent, less what they sold since (tmp_sold, which
-- an update sent after it was read makes void).
-- Grain: (channel, channel SKU).
SELECT v.channel_id, v.channel_sku, v.sku, v.units_per, v.desired,
    greatest(
        coalesce(v.held, 0) - CASE WHEN s.sent_at = v.sent_at THEN s.taken ELSE 0 END, 0
    ) AS held
FROM levels v
JOIN tmp_skus k ON k.sku = v.sku
LEFT JOIN tmp_sold s ON s.channel_id = v.channel_id AND s.channel_sku = v.channel_sku
