-- The levels of tmp_levels with their new desired number, as a version of its own.
-- Grain: (channel, sku). What was sent, accepted and observed stays.
SELECT t.channel_id, t.sku, t.desired, v.sent, v.sent_version, v.sent_at, v.held, v.accepted,
    v.accepted_at, v.observed, v.observed_at, v.error,
    CAST(coalesce(v.version, 0) + 1 AS bigint) AS version
FROM tmp_levels t
LEFT JOIN levels v ON v.channel_id = t.channel_id AND v.sku = t.sku
