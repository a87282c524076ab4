-- Levels that their channel was not seen to show, alarmed ones first, then the oldest, at most
-- $limit of all (`of_all`), of one channel or (null) of all. Grain: (channel, channel SKU). States as in
-- loop_states.sql. Of a channel that is told no levels (not $all, and not in tmp_told), those
-- that it may still be showing.
WITH unread AS (
    SELECT channel_id FROM levels GROUP BY channel_id HAVING count(checked_at) = 0
), open AS (
    SELECT channel_id, channel_sku, opened_at, kind FROM level_alarms WHERE closed_at IS NULL
), placed AS (
    SELECT v.*, a.opened_at AS alarmed_at, a.kind,
        CASE
            WHEN left(v.error, 5) = 'retry' THEN 'unsettled'
            WHEN v.error IS NOT NULL THEN 'refused'
            WHEN v.sent_version IS NULL OR v.sent_version < v.version OR v.accepted IS NULL
                THEN 'due'
            WHEN u.channel_id IS NOT NULL THEN 'observed'
            WHEN v.seen_at IS NULL OR v.seen_at < v.accepted_at THEN 'unobserved'
            WHEN v.observed_version IS NULL THEN 'differs'
            ELSE 'observed'
        END AS state
    FROM levels v
    LEFT JOIN unread u ON u.channel_id = v.channel_id
    LEFT JOIN open a ON a.channel_id = v.channel_id AND a.channel_sku = v.channel_sku
    WHERE ($channel_id IS NULL OR v.channel_id = $channel_id)
        AND ($all OR v.held > 0 OR v.channel_id IN (SELECT channel_id FROM tmp_told))
), aged AS (
    SELECT p.*,
        CASE p.state
            WHEN 'due' THEN p.desired_at
            WHEN 'unsettled' THEN p.desired_at
            WHEN 'refused' THEN p.sent_at
            WHEN 'unobserved' THEN p.accepted_at
            WHEN 'differs' THEN p.observed_at
            ELSE p.alarmed_at
        END AS since
    FROM placed p
    WHERE p.state <> 'observed' OR p.alarmed_at IS NOT NULL
)
SELECT channel_id, channel_sku, sku, state, since, desired, version, sent, sent_version,
    accepted, accepted_version, accepted_at, observed, observed_version, observed_at, alarmed_at,
    kind, error, count(*) OVER () AS of_all
FROM aged
ORDER BY alarmed_at NULLS LAST, since, channel_id, channel_sku
LIMIT $limit
