-- Units of the lines of tmp_orders that left and may still come back.
-- Grain and key: (order_id, line_id). Units delivered are what the hub shipped or the channel
-- says has shipped, whichever is more. Taken off: of each return the more of what was announced
-- and what came, and what came unannounced. Returns in tmp_again are announced anew: left out.
WITH lines AS (
    SELECT l.order_id, l.line_id, l.sku, greatest(l.units_per, 1) AS units_per, l.location_id,
        l.shipped_quantity
    FROM tmp_orders t
    JOIN order_lines l ON l.order_id = t.order_id
    WHERE coalesce(l.requires_shipping, true)
),
sent AS (
    SELECT s.order_id, l.line_id, sum(l.quantity) AS units, max(s.location_id) AS location_id
    FROM tmp_orders t
    JOIN shipments s ON s.order_id = t.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    GROUP BY s.order_id, l.line_id
),
told AS (
    SELECT r.order_id, r.return_id, l.line_id, l.quantity AS announced, 0 AS received
    FROM tmp_orders t
    JOIN returns r ON r.order_id = t.order_id
    JOIN return_lines l ON l.return_id = r.return_id
    WHERE r.status NOT IN ('refused', 'canceled')
        AND r.other_channel IS NOT TRUE -- a till's lines are its own: its receipts count
        AND r.return_id NOT IN (SELECT return_id FROM tmp_again)
    UNION ALL
    SELECT c.order_id, c.return_id, c.line_id, 0, c.quantity
    FROM tmp_orders t
    JOIN return_receipts c ON c.order_id = t.order_id
    WHERE c.line_id IS NOT NULL
        AND (c.return_id IS NULL OR c.return_id NOT IN (SELECT return_id FROM tmp_again))
),
by_return AS (
    SELECT order_id, return_id, line_id, sum(announced) AS announced, sum(received) AS received
    FROM told
    GROUP BY order_id, return_id, line_id
),
taken AS (
    SELECT b.order_id, b.line_id, sum(greatest(b.announced * l.units_per, b.received)) AS units
    FROM by_return b
    JOIN lines l ON l.order_id = b.order_id AND l.line_id = b.line_id
    GROUP BY b.order_id, b.line_id
)
SELECT l.order_id, l.line_id, l.sku, coalesce(s.location_id, l.location_id) AS location_id,
    CAST(greatest(
        floor((greatest(coalesce(s.units, 0), l.shipped_quantity * l.units_per)
            - coalesce(t.units, 0)) / CAST(l.units_per AS numeric)), 0
    ) AS bigint) AS returnable
FROM lines l
LEFT JOIN sent s ON s.order_id = l.order_id AND s.line_id = l.line_id
LEFT JOIN taken t ON t.order_id = l.order_id AND t.line_id = l.line_id
ORDER BY l.order_id, l.line_id
