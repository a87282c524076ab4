-- Grain: entries of the map that its file (tmp_sku_map) has no more. Keys: channel_id, channel_sku.
-- Guarantee: the table then says what the file says.
DELETE FROM sku_map
WHERE NOT EXISTS (
    SELECT 1 FROM tmp_sku_map AS f
    WHERE f.channel_id = sku_map.channel_id AND f.channel_sku = sku_map.channel_sku
)
