-- No level was sent in a version that was never computed.
-- Grain: one row a level that breaks it. Keys: channel_id, channel_sku. Guarantee: at most 100 rows.
SELECT channel_id, channel_sku FROM levels WHERE sent_version > version LIMIT 100
