-- The newest alarms of levels, open ones first, at most $limit of all (`of_all`).
-- Grain: alarm.
SELECT channel_id, channel_sku, sku, kind, accepted, accepted_version, accepted_at, observed,
    opened_at, closed_at, found,
    count(*) OVER () AS of_all
FROM level_alarms
ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, opened_at DESC, channel_id, channel_sku
LIMIT $limit
