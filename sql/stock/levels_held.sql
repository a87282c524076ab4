-- What the channels of tmp_channels should show and may be showing of the SKUs of tmp_skus.
-- Grain: (channel, sku).
SELECT v.channel_id, v.sku, v.desired, v.held
FROM levels v
JOIN tmp_channels c ON c.channel_id = v.channel_id
JOIN tmp_skus k ON k.sku = v.sku
