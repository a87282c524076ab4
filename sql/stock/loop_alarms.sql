-- How many alarms of each channel are open. Grain: channel.
SELECT channel_id, count(*) AS alarms
FROM level_alarms
WHERE closed_at IS NULL
GROUP BY channel_id
