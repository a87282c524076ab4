-- Names of SKUs on channels, as the merchant maps them. Grain: (channel, channel SKU).
SELECT channel_id, channel_sku, sku, units_per FROM sku_map
