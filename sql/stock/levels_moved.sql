-- The desired numbers of tmp_levels, each as a version of its own, into the levels stored of these
-- listings. Grain: (channel, channel SKU). What was sent, accepted and observed stays.
UPDATE levels
SET desired = t.desired, desired_at = $now, version = levels.version + 1
FROM tmp_levels AS t
WHERE levels.channel_id = t.channel_id AND levels.channel_sku = t.channel_sku
