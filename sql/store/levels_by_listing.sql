-- Levels of a release that kept them by SKU, in SKU units: each is that of the smallest listing,
-- which alone was told. Grain: (channel, channel SKU). Of two SKUs of one name the mapped one.
INSERT INTO levels (channel_id, channel_sku, sku, units_per, desired, desired_at, version, sent,
    sent_version, sent_at, held, accepted, accepted_at, observed, observed_at, error)
SELECT n.channel_id, n.channel_sku, n.sku, n.units_per, n.desired / n.units_per, n.desired_at,
    n.version, n.sent / n.units_per, n.sent_version, n.sent_at, n.held / n.units_per,
    n.accepted / n.units_per, n.accepted_at, n.observed / n.units_per, n.observed_at, n.error
FROM (
    SELECT v.*, coalesce(m.channel_sku, v.sku) AS channel_sku,
        coalesce(m.units_per, 1) AS units_per,
        row_number() OVER (
            PARTITION BY v.channel_id, coalesce(m.channel_sku, v.sku)
            ORDER BY m.channel_sku NULLS LAST, v.sku
        ) AS turn
    FROM levels_by_sku v
    LEFT JOIN (
        SELECT s.*, row_number() OVER (
            PARTITION BY s.channel_id, s.sku ORDER BY s.units_per, s.channel_sku
        ) AS place
        FROM sku_map s
    ) AS m ON m.channel_id = v.channel_id AND m.sku = v.sku AND m.place = 1
) AS n
WHERE n.turn = 1
