-- Levels of one SKU on every channel. Grain: channel.
SELECT channel_id, desired, sent, accepted, observed, desired_at, accepted_at, observed_at, error
FROM levels WHERE sku = $sku ORDER BY channel_id
