-- What the facts of the store ask the ledger to hold, of all facts that may have changed.
-- Grain: (cause, cause_id, sku, from_account, to_account): the units that should have moved, 0
-- included. `begun` is the earliest time the ledger can have known of it. A row without a SKU
-- only names a cause whose movements are looked at again.
-- Reads open fulfillment orders and facts known or merged since $since, whatever the history.
WITH merged AS (
    SELECT batch_id FROM batches WHERE merged_at >= $since
),
touched AS (
    SELECT fo_id FROM fulfillment_orders WHERE closed_at IS NULL OR closed_at >= $since
    UNION
    SELECT fo_id FROM shipments WHERE known_at >= $since
),
shipped AS (
    SELECT s.fo_id, l.line_id, l.sku, sum(l.quantity) AS quantity, max(s.shipped_at) AS shipped_at
    FROM touched t
    JOIN shipments s ON s.fo_id = t.fo_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    GROUP BY s.fo_id, l.line_id, l.sku
),
asked AS (
    SELECT
        f.fo_id || '/' || l.line_id || '/' || l.sku AS cause_id,
        f.location_id, l.sku, l.quantity, f.state, f.planned_at, f.closed_at,
        coalesce(s.quantity, 0) AS shipped, s.shipped_at,
        CASE
            WHEN f.state IN ('cancel_requested', 'canceled') THEN 0
            ELSE least(l.refused_quantity, greatest(l.quantity - coalesce(s.quantity, 0), 0))
        END AS short
    FROM touched t
    JOIN fulfillment_orders f ON f.fo_id = t.fo_id
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
    LEFT JOIN shipped s ON s.fo_id = l.fo_id AND s.line_id = l.line_id AND s.sku = l.sku
),
unasked AS (
    -- a parcel that holds what nobody asked for: it left the sellable stock all the same
    SELECT s.fo_id || '/' || s.line_id || '/' || s.sku AS cause_id,
        f.location_id, s.sku, s.quantity, f.planned_at, s.shipped_at
    FROM shipped s
    JOIN fulfillment_orders f ON f.fo_id = s.fo_id
    LEFT JOIN fulfillment_lines l ON l.fo_id = s.fo_id AND l.line_id = s.line_id AND l.sku = s.sku
    WHERE l.fo_id IS NULL
),
news AS (
    SELECT s.shipment_id FROM shipments s WHERE s.known_at >= $since
    UNION
    SELECT s.shipment_id
    FROM tracking_events e
    JOIN shipments s ON s.tracking_number = e.tracking_number
    WHERE e.known_at >= $since
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
SELECT 'sale', o.order_id, l.sku, l.location_id || '/sellable', 'world/sold',
    CAST(sum(CASE
        WHEN o.order_status = 'canceled' THEN 0
        ELSE (l.ordered_quantity - l.canceled_quantity) * l.units_per
    END) AS bigint),
    o.placed_at, o.placed_at
FROM merged b
JOIN orders o ON o.batch_id = b.batch_id
LEFT JOIN order_lines l
    ON l.order_id = o.order_id AND l.location_id IS NOT NULL AND l.sku IS NOT NULL
WHERE o.delivery_mode = 'none'
GROUP BY o.order_id, l.sku, l.location_id, o.placed_at
UNION ALL
SELECT 'return', r.receipt_id || '/' || r.line_no, r.sku, 'world/customer',
    CASE r.disposition
        WHEN 'restock' THEN r.location_id || '/sellable'
        WHEN 'repair' THEN r.location_id || '/repair'
        WHEN 'scrap' THEN 'world/scrap'
        ELSE r.location_id || '/quarantine'
    END,
    r.quantity, r.received_at, r.received_at
FROM merged b
JOIN return_receipts r ON r.batch_id = b.batch_id
UNION ALL
SELECT 'delivery', s.shipment_id || '/' || l.line_id, l.sku, 'world/in_transit',
    'world/customer', CASE WHEN s.status = 'Delivered' THEN l.quantity ELSE 0 END,
    coalesce(s.status_at, s.shipped_at), s.shipped_at
FROM news n
JOIN shipments s ON s.shipment_id = n.shipment_id
JOIN shipment_lines l ON l.shipment_id = s.shipment_id
