-- The listings of a channel that were read back the longest ago, at most $most, of those that it
-- once accepted a level of. Grain: channel SKU.
SELECT channel_sku
FROM levels
WHERE channel_id = $channel_id AND accepted_at IS NOT NULL
    AND coalesce(left(error, 5), '') <> 'retry'
ORDER BY checked_at NULLS FIRST, channel_sku
LIMIT $most
