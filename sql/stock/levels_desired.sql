-- What the listings of the SKUs of tmp_skus should show, as last computed.
-- Grain: (channel, channel SKU).
SELECT v.channel_id, v.channel_sku, v.sku, v.units_per, v.desired
FROM levels v
JOIN tmp_skus k ON k.sku = v.sku
