-- Lines of the orders of tmp_open_orders with units that no location was given yet.
-- Grain and key: (order_id, line_id). Units are of the SKU, greater than 0.
-- Units a location has, or has shipped, are not left; units it refused are again. What the
-- channel says has shipped counts as far as the hub did not ship it itself: a parcel closed
-- after the record was read cannot be in the record's number. What was refunded before it
-- shipped is not owed any more; a channel may tell it in the line, in the refund, or in both.
-- Reads their lines (tmp_open_order_lines) and their parts (tmp_open_parts, tmp_open_part_lines).
WITH given AS (
    SELECT f.order_id, l.line_id,
        sum(CASE WHEN f.state IN ('refused', 'canceled') THEN l.shipped_quantity
                 ELSE greatest(l.quantity - l.refused_quantity, l.shipped_quantity) END) AS units,
        sum(CASE WHEN f.untold THEN 0 ELSE l.shipped_quantity END) AS told
    FROM tmp_open_parts f
    JOIN tmp_open_part_lines l ON l.fo_id = f.fo_id
    GROUP BY f.order_id, l.line_id
),
refunded AS (
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM tmp_open_orders o
    JOIN refund_lines r ON r.order_id = o.order_id
    WHERE r.restock = 'cancel'
    GROUP BY r.order_id, r.line_id
),
owed AS (
    SELECT o.order_id, l.line_id, l.sku, o.channel_id, o.may_ship,
        (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0))) * l.units_per
        - coalesce(g.units, 0)
        - greatest(l.shipped_quantity * l.units_per - coalesce(g.told, 0), 0) AS quantity
    FROM tmp_open_orders o
    JOIN tmp_open_order_lines l ON l.order_id = o.order_id
    LEFT JOIN given g ON g.order_id = l.order_id AND g.line_id = l.line_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    WHERE l.sku IS NOT NULL AND coalesce(l.requires_shipping, TRUE)
)
SELECT order_id, line_id, sku, channel_id, may_ship, CAST(quantity AS bigint) AS quantity
FROM owed
WHERE quantity > 0
ORDER BY order_id, line_id
