-- Levels of the listings of tmp_names on a channel, whole. Grain: channel SKU.
SELECT v.*
FROM levels v
JOIN tmp_names n ON n.channel_sku = v.channel_sku
WHERE v.channel_id = $channel_id
