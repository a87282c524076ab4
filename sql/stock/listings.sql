-- Names on channels of the SKUs of tmp_skus, as the merchant maps them, and what is called as
-- they are. Grain: (channel, channel SKU).
SELECT m.channel_id, m.channel_sku, m.sku, m.units_per
FROM sku_map m
WHERE m.sku IN (SELECT sku FROM tmp_skus) OR m.channel_sku IN (SELECT sku FROM tmp_skus)
