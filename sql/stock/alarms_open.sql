-- Alarms of a channel that no reading has closed yet. Grain: channel SKU.
SELECT * FROM level_alarms WHERE channel_id = $channel_id AND closed_at IS NULL
