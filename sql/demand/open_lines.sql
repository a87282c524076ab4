-- Lines of the orders of tmp_open_orders with units that no location was given yet, a kit as its
-- components. Grain and key: (order_id, line_id, sku). Units are of the SKU, greater than 0.
-- Units a location has, or has shipped, are not left; units it refused are again. What the
-- channel says has shipped counts as far as the hub did not ship it itself: a parcel closed
-- after the record was read cannot be in the record's number. What was refunded before it
-- shipped is not owed any more; a channel may tell it in the line, in the refund, or in both.
-- A kit that was begun keeps the bill it was begun with. `kits`: how many of `kit_sku` nothing was
-- given of yet, the same in each of its components.
-- Reads their lines (tmp_open_order_lines) and their parts (tmp_open_parts, tmp_open_part_lines).
WITH given AS (
    SELECT f.order_id, l.line_id, l.bill_id, CASE WHEN l.bill_id IS NULL THEN '' ELSE l.sku END
        AS sku, max(l.sku) AS some_sku, coalesce(max(b.quantity), 1) AS per,
        CAST(sum(CASE WHEN f.state IN ('refused', 'canceled') THEN l.shipped_quantity
            ELSE greatest(l.quantity - l.refused_quantity, l.shipped_quantity) END) AS bigint)
            AS units,
        CAST(sum(CASE WHEN f.untold THEN 0 ELSE l.shipped_quantity END) AS bigint) AS told
    FROM tmp_open_parts f
    JOIN tmp_open_part_lines l ON l.fo_id = f.fo_id
    LEFT JOIN bills b ON b.bill_id = l.bill_id AND b.sku = l.sku
    GROUP BY f.order_id, l.line_id, l.bill_id, CASE WHEN l.bill_id IS NULL THEN '' ELSE l.sku END
),
begun AS (
    SELECT order_id, line_id, max(bill_id) AS bill_id,
        max(CASE WHEN bill_id IS NULL THEN some_sku END) AS sku
    FROM given
    WHERE units > 0
    GROUP BY order_id, line_id
),
told AS (
    -- of a kit the channel hears when it is whole
    SELECT order_id, line_id, sum(units) AS units
    FROM (
        SELECT order_id, line_id, min(told / per) AS units
        FROM given
        GROUP BY order_id, line_id, bill_id
    ) AS whole
    GROUP BY order_id, line_id
),
started AS (
    SELECT order_id, line_id, bill_id, max((units + per - 1) / per) AS kits
    FROM given
    WHERE bill_id IS NOT NULL
    GROUP BY order_id, line_id, bill_id
),
refunded AS (
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM tmp_open_orders o
    JOIN refund_lines r ON r.order_id = o.order_id
    WHERE r.restock = 'cancel'
    GROUP BY r.order_id, r.line_id
),
in_use AS (
    SELECT DISTINCT kit_sku, bill_id FROM bills WHERE in_use
),
wanted AS (
    SELECT o.order_id, l.line_id, l.sku, o.channel_id, o.may_ship,
        CASE WHEN g.bill_id IS NOT NULL THEN g.bill_id WHEN g.sku = l.sku THEN NULL
            ELSE k.bill_id END AS bill_id,
        CAST(
            (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
            * l.units_per
            - greatest(l.shipped_quantity * l.units_per - coalesce(t.units, 0), 0) AS bigint
        ) AS units
    FROM tmp_open_orders o
    JOIN tmp_open_order_lines l ON l.order_id = o.order_id
    LEFT JOIN begun g ON g.order_id = l.order_id AND g.line_id = l.line_id
    LEFT JOIN told t ON t.order_id = l.order_id AND t.line_id = l.line_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    LEFT JOIN in_use k ON k.kit_sku = l.sku
    WHERE l.sku IS NOT NULL AND coalesce(l.requires_shipping, TRUE)
),
owed AS (
    SELECT w.order_id, w.line_id, coalesce(b.sku, w.sku) AS sku, w.channel_id, w.may_ship,
        w.bill_id, b.kit_sku,
        CASE WHEN w.bill_id IS NOT NULL THEN greatest(w.units - coalesce(s.kits, 0), 0) END AS kits,
        w.units * coalesce(b.quantity, 1) - coalesce(g.units, 0) AS quantity
    FROM wanted w
    LEFT JOIN bills b ON b.bill_id = w.bill_id
    LEFT JOIN given g
        ON g.order_id = w.order_id AND g.line_id = w.line_id
        AND g.bill_id IS NOT DISTINCT FROM w.bill_id AND g.sku = coalesce(b.sku, '')
    LEFT JOIN started s
        ON s.order_id = w.order_id AND s.line_id = w.line_id AND s.bill_id = w.bill_id
)
SELECT order_id, line_id, sku, channel_id, may_ship, CAST(quantity AS bigint) AS quantity,
    bill_id, kit_sku, CAST(kits AS bigint) AS kits
FROM owed
WHERE quantity > 0
ORDER BY order_id, line_id, sku
