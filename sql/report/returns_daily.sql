-- Returns by day and everything they are counted by. Grain: (day, channel, location, expected_at,
-- carrier, initiator, reason, sku). Units: announced, received, received by disposition, and received
-- though the order held no such SKU.
-- A kit counts as its components.
-- `location`: of what was announced, the place told; of what came, the place it came to.
-- `expected_at`: the place told, of both; null where none was.
-- What came counts on the day its return was announced, under the SKU and place it came to; a
-- parcel nobody announced counts on the day it came, reason `unannounced`. What a till took back
-- counts under the channel that sold it.
WITH reasons AS (
    -- where the dock did not tell the line, the reason of the SKU, if its lines agree
    SELECT l.return_id, coalesce(b.sku, l.sku, ol.sku) AS sku,
        CASE WHEN count(DISTINCT coalesce(l.reason_code, r.reason_code)) = 1
            THEN min(coalesce(l.reason_code, r.reason_code)) END AS reason
    FROM returns r
    JOIN return_lines l ON l.return_id = r.return_id
    LEFT JOIN order_lines ol ON ol.order_id = r.order_id AND ol.line_id = l.line_id
        AND r.other_channel IS NOT TRUE
    LEFT JOIN bills b ON b.kit_sku = coalesce(l.sku, ol.sku) AND b.in_use
    GROUP BY l.return_id, coalesce(b.sku, l.sku, ol.sku)
),
announced AS (
    SELECT CAST(r.announced_at AS date) AS day, coalesce(o.channel_id, r.source) AS channel,
        r.location_id AS location, r.location_id AS expected_at, r.carrier_id AS carrier, r.initiator,
        coalesce(l.reason_code, r.reason_code, 'unknown') AS reason,
        coalesce(b.sku, l.sku, ol.sku, ol.channel_sku, 'unknown') AS sku,
        l.quantity * coalesce(ol.units_per, 1) * coalesce(b.quantity, 1) AS announced, 0 AS received,
        CAST(NULL AS text) AS disposition, CAST(NULL AS boolean) AS not_ordered
    FROM returns r
    JOIN return_lines l ON l.return_id = r.return_id
    LEFT JOIN orders o ON o.order_id = r.order_id
    LEFT JOIN order_lines ol ON ol.order_id = r.order_id AND ol.line_id = l.line_id
        AND r.other_channel IS NOT TRUE
    LEFT JOIN bills b ON b.kit_sku = coalesce(l.sku, ol.sku) AND b.in_use
    WHERE r.status NOT IN ('canceled', 'refused')
),
came AS (
    SELECT
        CAST(coalesce(r.announced_at, c.received_at) AS date) AS day,
        coalesce(o.channel_id, r.source, 'unknown') AS channel,
        c.location_id AS location, r.location_id AS expected_at, r.carrier_id AS carrier,
        coalesce(r.initiator, 'unknown') AS initiator,
        CASE
            WHEN r.return_id IS NULL THEN 'unannounced'
            ELSE coalesce(l.reason_code, s.reason, r.reason_code, 'unknown')
        END AS reason,
        coalesce(b.sku, c.sku), 0 AS announced,
        c.quantity * coalesce(b.quantity, 1) AS received, c.disposition, c.not_ordered
    FROM return_receipts c
    LEFT JOIN returns r ON r.return_id = c.return_id
    LEFT JOIN return_lines l ON l.return_id = c.return_id AND l.line_id = c.line_id
        AND r.other_channel IS NOT TRUE
    LEFT JOIN bills b ON b.kit_sku = c.sku AND b.in_use
    LEFT JOIN reasons s ON s.return_id = c.return_id AND s.sku = coalesce(b.sku, c.sku)
    LEFT JOIN orders o ON o.order_id = coalesce(c.order_id, r.order_id)
)
SELECT day, channel, location, expected_at, carrier, initiator, reason, sku,
    CAST(sum(announced) AS bigint) AS announced,
    CAST(sum(received) AS bigint) AS received,
    CAST(sum(CASE WHEN disposition = 'restock' THEN received ELSE 0 END) AS bigint) AS restocked,
    CAST(sum(CASE WHEN disposition = 'repair' THEN received ELSE 0 END) AS bigint) AS repaired,
    CAST(sum(CASE WHEN disposition = 'damaged' THEN received ELSE 0 END) AS bigint) AS damaged,
    CAST(sum(CASE WHEN disposition = 'scrap' THEN received ELSE 0 END) AS bigint) AS scrapped,
    CAST(sum(CASE WHEN disposition = 'quarantine' THEN received ELSE 0 END) AS bigint) AS waiting,
    CAST(sum(CASE WHEN not_ordered THEN received ELSE 0 END) AS bigint) AS not_ordered
FROM (SELECT * FROM announced UNION ALL SELECT * FROM came) AS units
GROUP BY day, channel, location, expected_at, carrier, initiator, reason, sku
ORDER BY day, channel, location, expected_at, carrier, initiator, reason, sku
