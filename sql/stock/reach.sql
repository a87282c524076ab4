-- Which channels were heard and told when they last were tried, and since when. Grain: channel.
SELECT channel_id, heard, told, reached_at, longest_seconds, covered_seconds
FROM channel_reach
ORDER BY channel_id
