-- How many listings of a channel can be read back. Grain: one row.
SELECT count(*) AS listings FROM levels WHERE channel_id = $channel_id AND accepted_at IS NOT NULL
