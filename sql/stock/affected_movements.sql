-- Movements that facts of the store ask for and the ledger does not have yet.
-- Grain: one row a (cause, cause_id, sku): the units still to post; negative takes back.
-- Looks only at open fulfillment orders and at facts known since $since, whatever the history.
WITH touched AS (
    SELECT fo_id FROM fulfillment_orders WHERE closed_at IS NULL OR closed_at >= $since
    UNION
    SELECT fo_id FROM shipments WHERE known_at >= $since
),
shipped AS (
    SELECT s.fo_id, l.line_id, l.sku, sum(l.quantity) AS quantity, max(s.shipped_at) AS shipped_at
    FROM shipments s
    JOIN touched t ON t.fo_id = s.fo_id
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    GROUP BY s.fo_id, l.line_id, l.sku
),
lines AS (
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
targets AS (
    SELECT 'allocation' AS cause, cause_id, sku, location_id || '/sellable' AS from_account,
        location_id || '/allocated' AS to_account, quantity, planned_at AS valid_at
    FROM lines
    UNION ALL
    SELECT 'shipment', cause_id, sku, location_id || '/allocated', 'world/in_transit',
        shipped, shipped_at
    FROM lines
    UNION ALL
    SELECT 'short_pick', cause_id, sku, location_id || '/allocated', 'world/short',
        short, coalesce(shipped_at, closed_at)
    FROM lines
    UNION ALL
    SELECT 'release', cause_id, sku, location_id || '/allocated', location_id || '/sellable',
        CASE WHEN state IN ('shipped', 'partially_shipped', 'refused', 'canceled')
            THEN quantity - shipped - short
            -- shipped more than was asked for: the excess left the sellable stock
            ELSE least(quantity - shipped - short, 0)
        END,
        closed_at
    FROM lines
    UNION ALL
    SELECT 'sale', o.order_id || '/' || l.line_id, l.sku, l.location_id || '/sellable', 'world/sold',
        (l.ordered_quantity - l.canceled_quantity) * l.units_per, o.placed_at
    FROM orders o
    JOIN order_lines l ON l.order_id = o.order_id
    WHERE o.fetched_at >= $since AND o.delivery_mode = 'none'
        AND l.location_id IS NOT NULL AND l.sku IS NOT NULL
    UNION ALL
    SELECT 'return', r.receipt_id || '/' || r.line_no, r.sku, 'world/customer',
        CASE r.disposition
            WHEN 'restock' THEN r.location_id || '/sellable'
            WHEN 'repair' THEN r.location_id || '/repair'
            WHEN 'scrap' THEN 'world/scrap'
            ELSE r.location_id || '/quarantine'
        END,
        r.quantity, r.received_at
    FROM return_receipts r
    WHERE r.fetched_at >= $since
    UNION ALL
    SELECT 'delivery', s.shipment_id || '/' || l.line_id, l.sku, 'world/in_transit', 'world/customer',
        l.quantity, s.status_at
    FROM shipments s
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id
    WHERE s.status = 'Delivered' AND s.status_at >= $since
),
posted AS (
    SELECT m.cause, m.cause_id, m.sku, count(*) AS movements,
        sum(CASE WHEN m.from_account = t.from_account THEN m.quantity ELSE -m.quantity END) AS quantity
    FROM stock_movements m
    JOIN targets t
        ON t.cause = m.cause AND t.cause_id = m.cause_id AND t.sku = m.sku
        AND t.from_account IN (m.from_account, m.to_account)
        AND t.to_account IN (m.from_account, m.to_account)
    GROUP BY m.cause, m.cause_id, m.sku
)
SELECT t.cause, t.cause_id, t.sku, t.from_account, t.to_account,
    CAST(t.quantity - coalesce(p.quantity, 0) AS bigint) AS quantity,
    CAST(coalesce(p.movements, 0) AS bigint) AS movements,
    t.valid_at
FROM targets t
LEFT JOIN posted p ON p.cause = t.cause AND p.cause_id = t.cause_id AND p.sku = t.sku
WHERE t.quantity <> coalesce(p.quantity, 0)
ORDER BY t.cause, t.cause_id, t.sku
