-- Levels that a channel showed otherwise than accepted when it was last read, later than at once:
-- what was read with a push itself, or before one, is read again before it is judged.
-- Grain: channel SKU.
SELECT v.*
FROM levels v
WHERE v.channel_id = $channel_id AND v.observed_version IS NULL
    AND v.observed_at > v.accepted_at AND v.observed_at > v.sent_at
    AND coalesce(left(v.error, 5), '') <> 'retry'
