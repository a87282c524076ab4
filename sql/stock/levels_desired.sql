-- What every listing should show, as last computed. Grain: (channel, channel SKU).
SELECT channel_id, channel_sku, sku, units_per, desired FROM levels
