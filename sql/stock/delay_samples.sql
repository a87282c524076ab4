-- The newest measured delays of a channel. Grain: place in the ring.
SELECT place, delay_seconds, lag_seconds, measured_at FROM level_delay_samples
WHERE channel_id = $channel_id
