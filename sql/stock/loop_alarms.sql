-- Alarms of each channel: open ones, the oldest, and all there ever were. Grain: channel.
SELECT channel_id, count(*) AS alarms,
    CAST(sum(CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END) AS bigint) AS open,
    min(CASE WHEN closed_at IS NULL THEN opened_at END) AS oldest_open_at
FROM level_alarms
GROUP BY channel_id
