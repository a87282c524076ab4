-- What was measured of every channel's delays. Grain: channel.
SELECT channel_id, delays, delay_p50, delay_p90, delay_p99, lags, lag_p50, lag_p90, lag_p99,
    updated_at
FROM level_delays
