-- What the facts of the store ask the ledger to hold, of all facts that may have changed.
-- Grain: (cause, cause_id, sku, from_account, to_account): the units that should have moved, 0
-- included. `begun` is the earliest time the ledger can have known of it. A row without a SKU
-- only names a cause whose movements are looked at again.
-- Reads fulfillment orders (tmp_orders, their lines tmp_lines), parcels (tmp_parcels, what lies in
-- them tmp_contents), till sales (tmp_till), returns announced (tmp_announced) and what came
-- back (tmp_returned). A kit that was sold at a till, is announced or came back moves as its
-- components, by the bill it was first booked by (booked_bills), whatever the catalog says now.
WITH contents AS (
    SELECT p.shipment_id, p.fo_id, p.status, p.shipped_at, p.status_at, p.news,
        l.line_id, l.sku, l.quantity
    FROM tmp_parcels p
    JOIN tmp_contents l ON l.shipment_id = p.shipment_id
),
shipped AS (
    SELECT c.fo_id, t.location_id, t.planned_at, c.line_id, c.sku, sum(c.quantity) AS quantity,
        max(c.shipped_at) AS shipped_at
    FROM contents c
    JOIN tmp_orders t ON t.fo_id = c.fo_id
    GROUP BY c.fo_id, t.location_id, t.planned_at, c.line_id, c.sku
),
lines AS (
    SELECT t.fo_id, t.location_id, t.state, t.planned_at, t.closed_at, l.line_id, l.sku,
        l.quantity, l.refused_quantity
    FROM tmp_orders t
    JOIN tmp_lines l ON l.fo_id = t.fo_id
),
asked AS (
    SELECT
        l.fo_id || '/' || l.line_id || '/' || l.sku AS cause_id,
        l.location_id, l.sku, l.quantity, l.state, l.planned_at, l.closed_at,
        coalesce(s.quantity, 0) AS shipped, s.shipped_at,
        CASE
            WHEN l.state IN ('cancel_requested', 'canceled') THEN 0
            ELSE least(l.refused_quantity, greatest(l.quantity - coalesce(s.quantity, 0), 0))
        END AS short
    FROM lines l
    LEFT JOIN shipped s ON s.fo_id = l.fo_id AND s.line_id = l.line_id AND s.sku = l.sku
),
unasked AS (
    -- a parcel that holds what nobody asked for: it left the sellable stock all the same
    SELECT s.fo_id || '/' || s.line_id || '/' || s.sku AS cause_id,
        s.location_id, s.sku, s.quantity, s.planned_at, s.shipped_at
    FROM shipped s
    LEFT JOIN lines l ON l.fo_id = s.fo_id AND l.line_id = s.line_id AND l.sku = s.sku
    WHERE l.fo_id IS NULL
),
underway AS (
    SELECT a.return_id, a.status, a.announced_at, coalesce(b.sku, l.sku) AS sku,
        sum(l.quantity * coalesce(o.units_per, 1) * coalesce(b.quantity, 1)) AS quantity
    FROM tmp_announced a
    JOIN return_lines l ON l.return_id = a.return_id
    LEFT JOIN order_lines o ON o.order_id = a.order_id AND o.line_id = l.line_id
    LEFT JOIN booked_bills k
        ON k.cause = 'announcement' AND k.cause_id = a.return_id AND k.kit_sku = l.sku
    LEFT JOIN bills b ON b.bill_id = k.bill_id
    WHERE l.sku IS NOT NULL
    GROUP BY a.return_id, a.status, a.announced_at, coalesce(b.sku, l.sku)
),
back AS (
    SELECT a.return_id, coalesce(b.sku, r.sku) AS sku,
        sum(r.quantity * coalesce(b.quantity, 1)) AS quantity
    FROM tmp_announced a
    JOIN return_receipts r ON r.return_id = a.return_id
    LEFT JOIN booked_bills k
        ON k.cause = 'return' AND k.cause_id = r.receipt_id || '/' || r.line_no
        AND k.kit_sku = r.sku
    LEFT JOIN bills b ON b.bill_id = k.bill_id
    GROUP BY a.return_id, coalesce(b.sku, r.sku)
)
SELECT 'allocation' AS cause, cause_id, sku, location_id || '/sellable' AS from_account,
    location_id || '/allocated' AS to_account, CAST(quantity AS bigint) AS quantity,
    planned_at AS valid_at, planned_at AS begun
FROM asked
UNION ALL
SELECT 'shipment', cause_id, sku, location_id || '/allocated', 'world/in_transit',
    CAST(shipped AS bigint), shipped_at, planned_at
FROM asked
UNION ALL
SELECT 'shipment', cause_id, sku, location_id || '/sellable', 'world/in_transit',
    CAST(quantity AS bigint), shipped_at, planned_at
FROM unasked
UNION ALL
SELECT 'short_pick', cause_id, sku, location_id || '/allocated', 'world/short',
    CAST(short AS bigint), coalesce(shipped_at, closed_at), planned_at
FROM asked
UNION ALL
SELECT 'release', cause_id, sku, location_id || '/allocated', location_id || '/sellable',
    CAST(CASE
        WHEN state IN ('shipped', 'partially_shipped', 'refused', 'canceled')
            THEN quantity - shipped - short
        -- shipped more than was asked for: the excess left the sellable stock
        ELSE least(quantity - shipped - short, 0)
    END AS bigint),
    closed_at, planned_at
FROM asked
UNION ALL
SELECT 'sale', o.order_id, coalesce(b.sku, l.sku), l.location_id || '/sellable', 'world/sold',
    CAST(sum(CASE
        WHEN o.order_status = 'canceled' THEN 0
        ELSE (l.ordered_quantity - l.canceled_quantity) * l.units_per * coalesce(b.quantity, 1)
    END) AS bigint),
    o.placed_at, o.placed_at
FROM tmp_till o
LEFT JOIN order_lines l
    ON l.order_id = o.order_id AND l.location_id IS NOT NULL AND l.sku IS NOT NULL
LEFT JOIN booked_bills k
    ON k.cause = 'sale' AND k.cause_id = o.order_id AND k.kit_sku = l.sku
LEFT JOIN bills b ON b.bill_id = k.bill_id
GROUP BY o.order_id, coalesce(b.sku, l.sku), l.location_id, o.placed_at
UNION ALL
SELECT 'return', r.receipt_id || '/' || r.line_no, coalesce(b.sku, r.sku), 'world/customer',
    CASE r.disposition
        WHEN 'restock' THEN r.location_id || '/sellable'
        WHEN 'repair' THEN r.location_id || '/repair'
        WHEN 'damaged' THEN r.location_id || '/damaged'
        WHEN 'scrap' THEN 'world/scrap'
        ELSE r.location_id || '/quarantine'
    END,
    -- a dock may date a receipt anew: what was posted under the older date is looked for too
    CAST(r.quantity * coalesce(b.quantity, 1) AS bigint), r.received_at,
    r.received_at - INTERVAL '60' DAY
FROM tmp_returned r
LEFT JOIN booked_bills k
    ON k.cause = 'return' AND k.cause_id = r.receipt_id || '/' || r.line_no AND k.kit_sku = r.sku
LEFT JOIN bills b ON b.bill_id = k.bill_id
UNION ALL
-- announced and not received yet: on its way back
SELECT 'announcement', t.return_id, t.sku, 'world/customer', 'world/returning',
    CAST(CASE
        WHEN t.status IN ('refused', 'canceled', 'closed') THEN 0
        ELSE greatest(t.quantity - coalesce(k.quantity, 0), 0)
    END AS bigint),
    t.announced_at, t.announced_at
FROM underway t
LEFT JOIN back k ON k.return_id = t.return_id AND k.sku = t.sku
UNION ALL
SELECT 'delivery', shipment_id || '/' || line_id, sku, 'world/in_transit', 'world/customer',
    CASE WHEN status = 'Delivered' THEN quantity ELSE 0 END, coalesce(status_at, shipped_at),
    shipped_at
FROM contents
WHERE news
