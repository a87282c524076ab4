-- Channels that may still be showing units. Grain: channel.
SELECT DISTINCT channel_id FROM levels WHERE held > 0 ORDER BY channel_id
