-- Returns by day and everything they are counted by. Grain: (day announced or received, channel,
-- location, carrier, initiator, reason, sku). Units: announced, received, and by disposition.
-- A parcel received without an announcement counts on the day it came, reason `unannounced`.
WITH came AS (
    SELECT return_id, line_id, sku,
        sum(quantity) AS received,
        sum(CASE WHEN disposition = 'restock' THEN quantity ELSE 0 END) AS restocked,
        sum(CASE WHEN disposition = 'repair' THEN quantity ELSE 0 END) AS repaired,
        sum(CASE WHEN disposition = 'scrap' THEN quantity ELSE 0 END) AS scrapped,
        sum(CASE WHEN disposition = 'quarantine' THEN quantity ELSE 0 END) AS waiting
    FROM return_receipts
    WHERE return_id IS NOT NULL AND line_id IS NOT NULL
    GROUP BY return_id, line_id, sku
),
announced AS (
    SELECT CAST(r.announced_at AS date) AS day, coalesce(o.channel_id, r.source) AS channel,
        r.location_id AS location, r.carrier_id AS carrier, r.initiator,
        coalesce(l.reason_code, r.reason_code, 'unknown') AS reason,
        coalesce(l.sku, ol.sku, ol.channel_sku) AS sku,
        l.quantity * coalesce(ol.units_per, 1) AS announced,
        c.received, c.restocked, c.repaired, c.scrapped, c.waiting
    FROM returns r
    JOIN return_lines l ON l.return_id = r.return_id
    LEFT JOIN orders o ON o.order_id = r.order_id
    LEFT JOIN order_lines ol ON ol.order_id = r.order_id AND ol.line_id = l.line_id
    LEFT JOIN came c ON c.return_id = l.return_id AND c.line_id = l.line_id
    WHERE r.status NOT IN ('canceled', 'refused')
),
unannounced AS (
    SELECT CAST(c.received_at AS date) AS day, coalesce(o.channel_id, 'unknown') AS channel,
        c.location_id AS location, CAST(NULL AS text) AS carrier, 'unknown' AS initiator,
        'unannounced' AS reason, c.sku, 0 AS announced, c.quantity AS received,
        CASE WHEN c.disposition = 'restock' THEN c.quantity ELSE 0 END AS restocked,
        CASE WHEN c.disposition = 'repair' THEN c.quantity ELSE 0 END AS repaired,
        CASE WHEN c.disposition = 'scrap' THEN c.quantity ELSE 0 END AS scrapped,
        CASE WHEN c.disposition = 'quarantine' THEN c.quantity ELSE 0 END AS waiting
    FROM return_receipts c
    LEFT JOIN orders o ON o.order_id = c.order_id
    WHERE c.return_id IS NULL OR c.line_id IS NULL
)
SELECT day, channel, location, carrier, initiator, reason, sku,
    CAST(sum(announced) AS bigint) AS announced,
    CAST(sum(coalesce(received, 0)) AS bigint) AS received,
    CAST(sum(coalesce(restocked, 0)) AS bigint) AS restocked,
    CAST(sum(coalesce(repaired, 0)) AS bigint) AS repaired,
    CAST(sum(coalesce(scrapped, 0)) AS bigint) AS scrapped,
    CAST(sum(coalesce(waiting, 0)) AS bigint) AS waiting
FROM (SELECT * FROM announced UNION ALL SELECT * FROM unannounced) AS both_kinds
GROUP BY day, channel, location, carrier, initiator, reason, sku
ORDER BY day, channel, location, carrier, initiator, reason, sku
