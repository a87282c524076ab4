-- Grain: one row a channel SKU of tmp_channel_skus. Keys: channel_sku.
-- Guarantee: the map goes first; else the channel's SKU is the merchant's if he knows it;
-- else the SKU is null, and its lines wait.
SELECT
    w.channel_sku,
    coalesce(m.sku, s.sku) AS sku,
    coalesce(m.units_per, 1) AS units_per
FROM tmp_channel_skus AS w
LEFT JOIN sku_map AS m ON m.channel_id = $channel_id AND m.channel_sku = w.channel_sku
LEFT JOIN skus AS s ON s.sku = w.channel_sku
