-- The levels of tmp_levels, new or of another SKU than before, as a version of their own.
-- Grain: (channel, channel SKU). What was sent, accepted and observed stays.
SELECT t.channel_id, t.channel_sku, t.sku, t.units_per, t.desired, v.sent, v.sent_version,
    v.sent_at, v.held, v.accepted, v.accepted_version, v.accepted_at, v.decided_at, v.observed,
    v.observed_version, v.observed_at, v.seen, v.seen_at, v.checked_at, v.error,
    CAST(coalesce(v.version, 0) + 1 AS bigint) AS version
FROM tmp_levels t
LEFT JOIN levels v ON v.channel_id = t.channel_id AND v.channel_sku = t.channel_sku
