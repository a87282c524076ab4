-- What every channel should show, as last computed. Grain: (channel, sku).
SELECT channel_id, sku, desired FROM levels
