-- What the listings of the SKUs of tmp_skus should show and may be showing on the channels of
-- tmp_channels. Grain: (channel, channel SKU).
SELECT v.channel_id, v.channel_sku, v.sku, v.units_per, v.desired, v.held
FROM levels v
JOIN tmp_channels c ON c.channel_id = v.channel_id
JOIN tmp_skus k ON k.sku = v.sku
