-- Lines that wait for a location: of open orders that may ship, resolved, with units left; a kit
-- as its components. Grain: (order_id, line_id, sku); key: the same. Units are of the SKU, greater
-- than 0.
-- Units a location has, or has shipped, are not left; units it refused are again. What the
-- channel says has shipped counts as far as the hub did not ship it itself: a parcel closed
-- after the record was read cannot be in the record's number.
-- A kit that was begun keeps the bill it was begun with; `per_kit` units are in one kit.
-- Reads open orders only, and the temporary table tmp_routing_under_way.
WITH open_orders AS (
    SELECT order_id, channel_id, priority, placed_at, promised_at, delivery_mode,
        delivery_choice, pickup_location, service, fetched_at
    FROM orders
    WHERE order_status = 'open' AND hold_reason IS NULL
        AND coalesce(delivery_mode, 'home') <> 'none'
),
given AS (
    SELECT u.order_id, u.line_id, u.bill_id, u.sku, coalesce(max(b.quantity), 1) AS per,
        CAST(sum(CASE WHEN u.state IN ('refused', 'canceled') THEN u.shipped_quantity
                 ELSE u.quantity - u.refused_quantity END) AS bigint) AS units,
        CAST(sum(CASE WHEN u.closed_at > o.fetched_at THEN 0 ELSE u.shipped_quantity END)
            AS bigint) AS told
    FROM tmp_routing_under_way u
    JOIN open_orders o ON o.order_id = u.order_id
    LEFT JOIN bills b ON b.bill_id = u.bill_id AND b.sku = u.sku
    GROUP BY u.order_id, u.line_id, u.bill_id, u.sku
),
begun AS (
    SELECT order_id, line_id, max(bill_id) AS bill_id,
        max(CASE WHEN bill_id IS NULL THEN sku END) AS sku
    FROM given
    WHERE units > 0
    GROUP BY order_id, line_id
),
kits_told AS (
    -- the channel hears of a kit when it is whole
    SELECT order_id, line_id, bill_id, min(told / per) AS units
    FROM given
    WHERE bill_id IS NOT NULL
    GROUP BY order_id, line_id, bill_id
),
in_use AS (
    SELECT DISTINCT kit_sku, bill_id FROM bills WHERE in_use
),
parts AS (
    SELECT order_id, count(DISTINCT fo_id) AS parts_used
    FROM tmp_routing_under_way
    WHERE state NOT IN ('refused', 'canceled')
    GROUP BY order_id
),
refunded AS (
    -- taken back before it shipped; a channel may tell it in the line, in the refund, or in both
    SELECT order_id, line_id, sum(quantity) AS quantity
    FROM refund_lines
    WHERE restock = 'cancel' AND order_id IN (SELECT order_id FROM open_orders)
    GROUP BY order_id, line_id
),
wanted AS (
    SELECT l.order_id, l.line_id, l.sku, l.units_per, l.unit_price, l.currency, l.keep_together,
        l.shipped_quantity * l.units_per AS shipped,
        (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
        * l.units_per AS units,
        CASE WHEN g.bill_id IS NOT NULL THEN g.bill_id WHEN g.sku = l.sku THEN NULL
            ELSE k.bill_id END AS bill_id
    FROM order_lines l
    LEFT JOIN begun g ON g.order_id = l.order_id AND g.line_id = l.line_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    LEFT JOIN in_use k ON k.kit_sku = l.sku
    WHERE l.order_id IN (SELECT order_id FROM open_orders)
        AND l.sku IS NOT NULL AND coalesce(l.requires_shipping, TRUE)
),
waiting AS (
    SELECT w.order_id, w.line_id, coalesce(b.sku, w.sku) AS sku, w.units_per, w.unit_price,
        w.currency, w.keep_together, w.bill_id, b.quantity AS per_kit, b.price_share,
        (w.units - greatest(w.shipped - coalesce(CASE WHEN w.bill_id IS NULL THEN g.told
            ELSE t.units END, 0), 0)) * coalesce(b.quantity, 1)
        - coalesce(g.units, 0) AS quantity
    FROM wanted w
    LEFT JOIN bills b ON b.bill_id = w.bill_id
    LEFT JOIN given g
        ON g.order_id = w.order_id AND g.line_id = w.line_id
        AND g.bill_id IS NOT DISTINCT FROM w.bill_id AND g.sku = coalesce(b.sku, w.sku)
    LEFT JOIN kits_told t
        ON t.order_id = w.order_id AND t.line_id = w.line_id AND t.bill_id = w.bill_id
),
reached AS (
    SELECT order_id, country, postal_code, latitude, longitude
    FROM order_contacts
    WHERE order_id IN (SELECT order_id FROM open_orders)
)
SELECT w.order_id, w.line_id, w.sku, CAST(w.quantity AS bigint) AS quantity,
    o.channel_id, o.priority, o.placed_at, o.promised_at,
    coalesce(o.delivery_mode, 'home') AS delivery_mode,
    coalesce(o.delivery_choice, 'any') AS delivery_choice,
    o.pickup_location, o.service, c.country, c.postal_code, c.latitude, c.longitude,
    CAST(w.unit_price AS double precision) / greatest(w.units_per, 1)
        * coalesce(w.price_share, 1) AS unit_value,
    w.currency, w.keep_together, w.bill_id, w.per_kit, s.weight_g,
    CAST(coalesce(p.parts_used, 0) AS bigint) AS parts_used
FROM waiting w
JOIN open_orders o ON o.order_id = w.order_id
LEFT JOIN reached c ON c.order_id = w.order_id
LEFT JOIN skus s ON s.sku = w.sku
LEFT JOIN parts p ON p.order_id = w.order_id
WHERE w.quantity > 0
ORDER BY w.order_id, w.line_id, w.sku
