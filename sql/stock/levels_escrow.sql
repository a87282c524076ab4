-- Levels of SKUs that some channel of tmp_channels still has to hear of. Grain: (channel, sku).
SELECT v.*
FROM levels v
JOIN tmp_channels c ON c.channel_id = v.channel_id
WHERE v.sku IN (
    SELECT w.sku FROM levels w
    WHERE w.accepted IS NULL OR w.accepted <> w.desired OR w.sent_version < w.version
)
ORDER BY v.channel_id, v.sku
