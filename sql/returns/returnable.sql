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
    SELECT s.order_id, l.line_id, f.bill_id,
        CASE WHEN f.bill_id IS NULL THEN '' ELSE l.sku END AS component,
        sum(l.quantity) AS units, max(s.location_id) AS location_id
    FROM tmp_orders t
    JOIN shipments s ON s.order_id = t.order_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    LEFT JOIN fulfillment_lines f
        ON f.fo_id = s.fo_id AND f.line_id = l.line_id AND f.sku = l.sku
    GROUP BY s.order_id, l.line_id, f.bill_id, CASE WHEN f.bill_id IS NULL THEN '' ELSE l.sku END
),
shipped_by AS (
    SELECT order_id, line_id, max(bill_id) AS bill_id, max(location_id) AS location_id
    FROM sent
    GROUP BY order_id, line_id
),
in_use AS (
    SELECT DISTINCT kit_sku, bill_id FROM bills WHERE in_use
),
parts AS (
    -- of a line that is no kit one part, without a name, of one unit
    SELECT l.order_id, l.line_id, coalesce(b.sku, '') AS component,
        l.units_per * coalesce(b.quantity, 1) AS per
    FROM lines l
    LEFT JOIN shipped_by s ON s.order_id = l.order_id AND s.line_id = l.line_id
    LEFT JOIN in_use k ON k.kit_sku = l.sku AND s.order_id IS NULL
    LEFT JOIN bills b ON b.bill_id = coalesce(s.bill_id, k.bill_id)
),
told AS (
    SELECT r.order_id, r.return_id, l.line_id, CAST(NULL AS text) AS sku, l.quantity AS announced,
        0 AS received
    FROM tmp_orders t
    JOIN returns r ON r.order_id = t.order_id
    JOIN return_lines l ON l.return_id = r.return_id
    WHERE r.status NOT IN ('refused', 'canceled')
        AND r.other_channel IS NOT TRUE -- a till's lines are its own: its receipts count
        AND r.return_id NOT IN (SELECT return_id FROM tmp_again)
    UNION ALL
    SELECT c.order_id, c.return_id, c.line_id, coalesce(b.sku, c.sku), 0,
        c.quantity * coalesce(b.quantity, 1)
    FROM tmp_orders t
    JOIN return_receipts c ON c.order_id = t.order_id
    LEFT JOIN bills b ON b.kit_sku = c.sku AND b.in_use
    WHERE c.line_id IS NOT NULL
        AND (c.return_id IS NULL OR c.return_id NOT IN (SELECT return_id FROM tmp_again))
),
by_return AS (
    SELECT d.order_id, d.return_id, d.line_id, p.component, sum(d.announced) * p.per AS announced,
        sum(d.received) AS received
    FROM told d
    JOIN parts p ON p.order_id = d.order_id AND p.line_id = d.line_id
        AND (d.sku IS NULL OR p.component IN ('', d.sku))
    GROUP BY d.order_id, d.return_id, d.line_id, p.component, p.per
),
taken AS (
    SELECT order_id, line_id, component, sum(greatest(announced, received)) AS units
    FROM by_return
    GROUP BY order_id, line_id, component
)
SELECT l.order_id, l.line_id, l.sku, coalesce(w.location_id, l.location_id) AS location_id,
    CAST(min(greatest(
        floor((greatest(coalesce(s.units, 0), l.shipped_quantity * p.per) - coalesce(t.units, 0))
            / CAST(p.per AS numeric)), 0
    )) AS bigint) AS returnable
FROM lines l
JOIN parts p ON p.order_id = l.order_id AND p.line_id = l.line_id
LEFT JOIN shipped_by w ON w.order_id = l.order_id AND w.line_id = l.line_id
LEFT JOIN (
    SELECT order_id, line_id, component, sum(units) AS units
    FROM sent
    GROUP BY order_id, line_id, component
) AS s ON s.order_id = l.order_id AND s.line_id = l.line_id AND s.component = p.component
LEFT JOIN taken t
    ON t.order_id = l.order_id AND t.line_id = l.line_id AND t.component = p.component
GROUP BY l.order_id, l.line_id, l.sku, coalesce(w.location_id, l.location_id)
ORDER BY l.order_id, l.line_id
