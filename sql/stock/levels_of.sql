-- Levels of one channel, with the SKU as the channel writes it. Grain: sku.
SELECT v.*, coalesce(m.channel_sku, v.sku) AS channel_sku, coalesce(m.units_per, 1) AS units_per
FROM levels v
LEFT JOIN (
    SELECT sku, min(channel_sku) AS channel_sku, max(units_per) AS units_per
    FROM sku_map WHERE channel_id = $channel_id GROUP BY sku
) AS m ON m.sku = v.sku
WHERE v.channel_id = $channel_id
ORDER BY v.sku
