-- Fulfillment orders that nobody wants any more: the order was canceled, or its lines were cut.
-- Grain and key: fo_id. What was sent is wanted until the order is canceled or asks for fewer
-- units than are on their way; what was not sent yet, only while the order is open and free.
-- Of several parts the one shipped first stays longest, the newest plan goes first.
-- Of a kit each component is held against the kits that are wanted.
-- Reads the active ones (tmp_active), and their orders, lines and other parts (tmp_active_...).
WITH active AS (
    SELECT t.fo_id, t.order_id, t.file_name, t.cancel_file_name, o.order_status, o.hold_reason
    FROM tmp_active t
    LEFT JOIN tmp_active_orders o ON o.order_id = t.order_id
),
refunded AS (
    -- taken back before it shipped, where the channel says so in a refund only
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM refund_lines r
    WHERE r.restock = 'cancel' AND r.order_id IN (SELECT a.order_id FROM active a)
    GROUP BY r.order_id, r.line_id
),
needed AS (
    SELECT l.order_id, l.line_id,
        (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
        * l.units_per AS units
    FROM tmp_active_order_lines l
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
),
given AS (
    -- a line that is no kit counts whatever SKUs it was given
    SELECT f.fo_id, f.order_id, l.line_id, f.planned_at, l.bill_id,
        CASE WHEN l.bill_id IS NOT NULL THEN l.sku END AS component,
        coalesce(max(b.quantity), 1) AS per,
        CASE
            WHEN f.state IN ('shipped', 'partially_shipped') THEN 0
            WHEN f.state = 'planned' AND f.file_name IS NULL THEN 2
            ELSE 1
        END AS turn,
        sum(CASE
            WHEN f.state IN ('shipped', 'partially_shipped') THEN l.shipped_quantity
            ELSE l.quantity - l.refused_quantity
        END) AS units
    FROM tmp_active_parts f
    JOIN tmp_active_lines l ON l.fo_id = f.fo_id
    LEFT JOIN bills b ON b.bill_id = l.bill_id AND b.sku = l.sku
    GROUP BY f.fo_id, f.order_id, l.line_id, f.planned_at, f.state, f.file_name, l.bill_id,
        CASE WHEN l.bill_id IS NOT NULL THEN l.sku END
),
covered AS (
    SELECT g.fo_id, g.order_id, g.line_id, g.per,
        sum(g.units) OVER (
            PARTITION BY g.order_id, g.line_id, g.bill_id, g.component ORDER BY g.turn, g.planned_at, g.fo_id
            ROWS UNBOUNDED PRECEDING
        ) AS units
    FROM given g
),
cut AS (
    SELECT DISTINCT c.fo_id
    FROM covered c
    LEFT JOIN needed n ON n.order_id = c.order_id AND n.line_id = c.line_id
    WHERE c.units > coalesce(n.units, 0) * c.per
)
SELECT a.fo_id, a.file_name IS NOT NULL AS sent
FROM active a
LEFT JOIN cut c ON c.fo_id = a.fo_id
WHERE a.cancel_file_name IS NULL AND (
    a.order_status = 'canceled'
    OR c.fo_id IS NOT NULL
    OR (a.file_name IS NULL AND (a.order_status <> 'open' OR a.hold_reason IS NOT NULL))
)
ORDER BY a.fo_id
