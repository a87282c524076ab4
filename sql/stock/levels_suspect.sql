-- Listings of a channel to be read back first, at most $most: those not seen to show what was
-- accepted, the longest unread and the nearest to zero first; then those told at most $near
-- units since $lately. Grain: channel SKU. What is to be sent again is read after it is sent.
SELECT channel_sku
FROM levels
WHERE channel_id = $channel_id AND accepted_at IS NOT NULL
    AND coalesce(left(error, 5), '') <> 'retry'
    AND (seen_at IS NULL OR seen_at < accepted_at OR observed_version IS NULL
        OR (accepted <= $near AND accepted_at >= $lately))
ORDER BY CASE WHEN seen_at >= accepted_at AND observed_version IS NOT NULL THEN 1 ELSE 0 END,
    checked_at NULLS FIRST, accepted, channel_sku
LIMIT $most
