-- Levels of listings a channel has to hear of, in sold units. Grain: channel SKU.
-- `showing` is what the channel should be showing now: the newest level that it accepted or was
-- seen to show, less what it sold since (tmp_sold) and took off itself. A full pass ($full) takes
-- every level. `held` is the most it may show: what it was sent, less what it sold since then.
-- What it shows that nothing explains counts only once it is to be sent again: until its own
-- delay is over, and sales are known, it may be right. A level that was refused is sent again
-- when it changes; where the channel never took one, it does not list the SKU, and only the full
-- pass asks again. A level is told again where the listing may show more than that and nothing
-- is on its way to it: a sale that was canceled may have been put back, or not.
WITH known AS (
    SELECT v.*,
        CASE
            WHEN v.accepted_at IS NULL
                OR (left(v.error, 5) = 'retry' AND v.observed_at >= v.accepted_at) THEN v.observed
            WHEN v.seen_at > v.accepted_at THEN v.seen
            ELSE v.accepted
        END AS base
    FROM levels v
    WHERE v.channel_id = $channel_id
), shown AS (
    SELECT k.*,
        greatest(
            coalesce(k.held, 0) - CASE WHEN s.sent_at = k.sent_at THEN s.taken ELSE 0 END, 0
        ) AS most,
        k.base - coalesce(s.units, 0) AS least
    FROM known k
    LEFT JOIN tmp_sold s ON s.channel_id = k.channel_id AND s.channel_sku = k.channel_sku
)
SELECT k.channel_id, k.channel_sku, k.sku, k.units_per, k.desired, k.desired_at, k.version,
    k.sent, k.sent_version, k.sent_at, k.most AS held, k.accepted, k.accepted_version,
    k.accepted_at, k.decided_at, k.observed, k.observed_version, k.observed_at, k.seen, k.seen_at,
    k.checked_at, k.error,
    CASE WHEN k.base IS NOT NULL THEN CAST(greatest(k.least, 0) AS bigint) END AS showing
FROM shown k
WHERE $full OR k.sent_version IS NULL OR CASE
    WHEN k.error IS NULL
        THEN k.sent_version < k.version OR k.least IS DISTINCT FROM k.desired
            OR (k.most > k.desired
                AND (k.observed_at >= k.accepted_at AND k.observed > k.accepted) IS NOT TRUE)
    WHEN left(k.error, 5) = 'retry' THEN TRUE
    ELSE k.accepted IS NOT NULL AND k.sent_version < k.version
END
