-- How many levels of each channel stand where on the way from desired to observed, and since when
-- the oldest does; `held` is what they may be showing. Grain: (channel, state). States: observed; due (to be sent), unsettled (sent,
-- no receipt), refused, unobserved (accepted, not seen yet), differs (last read otherwise). A
-- channel that was never read back is believed.
WITH unread AS (
    SELECT channel_id FROM levels GROUP BY channel_id HAVING count(checked_at) = 0
), placed AS (
    SELECT v.channel_id, v.held, v.desired_at, v.sent_at, v.accepted_at, v.observed_at,
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
)
SELECT channel_id, state, count(*) AS levels, CAST(sum(coalesce(held, 0)) AS bigint) AS held,
    min(CASE state
        WHEN 'due' THEN desired_at
        WHEN 'unsettled' THEN desired_at
        WHEN 'refused' THEN sent_at
        WHEN 'unobserved' THEN accepted_at
        WHEN 'differs' THEN observed_at
    END) AS since
FROM placed
GROUP BY channel_id, state
ORDER BY channel_id, state
