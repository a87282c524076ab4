-- Levels of one SKU on every channel, by listing, in sold units. Grain: (channel, channel SKU).
SELECT channel_id, channel_sku, units_per, desired, sent, accepted, observed, desired_at,
    accepted_at, observed_at, error
FROM levels WHERE sku = $sku ORDER BY channel_id, units_per, channel_sku
