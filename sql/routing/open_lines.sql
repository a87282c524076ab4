-- Lines that wait for a location: of open orders that may ship, resolved, with units left.
-- Grain: (order_id, line_id, sku); key: the same. Units are of the SKU, greater than 0.
-- Units a location has, or has shipped, are not left; units it refused are again. What the
-- channel says has shipped counts as far as the hub did not ship it itself: a parcel closed
-- after the record was read cannot be in the record's number.
-- Reads open orders only, however long the history.
WITH open_orders AS (
    SELECT order_id, channel_id, priority, placed_at, promised_at, delivery_mode,
        delivery_choice, pickup_location, service, fetched_at
    FROM orders
    WHERE order_status = 'open' AND hold_reason IS NULL
        AND coalesce(delivery_mode, 'home') <> 'none'
),
under_way AS (
    SELECT f.order_id, l.line_id, l.sku,
        sum(CASE WHEN f.state IN ('refused', 'canceled') THEN l.shipped_quantity
                 ELSE l.quantity - l.refused_quantity END) AS given,
        sum(CASE WHEN f.closed_at > o.fetched_at THEN 0 ELSE l.shipped_quantity END) AS told
    FROM open_orders o
    JOIN fulfillment_orders f ON f.order_id = o.order_id
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
    GROUP BY f.order_id, l.line_id, l.sku
),
parts AS (
    SELECT f.order_id, count(*) AS parts_used
    FROM open_orders o
    JOIN fulfillment_orders f ON f.order_id = o.order_id
    WHERE f.state NOT IN ('refused', 'canceled')
    GROUP BY f.order_id
),
waiting AS (
    SELECT o.order_id, l.line_id, l.sku, l.units_per, l.unit_price, l.currency, l.keep_together,
        (l.ordered_quantity - l.canceled_quantity) * l.units_per
        - coalesce(w.given, 0)
        - greatest(l.shipped_quantity * l.units_per - coalesce(w.told, 0), 0) AS quantity
    FROM open_orders o
    JOIN order_lines l ON l.order_id = o.order_id
    LEFT JOIN under_way w
        ON w.order_id = l.order_id AND w.line_id = l.line_id AND w.sku = l.sku
    WHERE l.sku IS NOT NULL AND coalesce(l.requires_shipping, TRUE)
)
SELECT w.order_id, w.line_id, w.sku, CAST(w.quantity AS bigint) AS quantity,
    o.channel_id, o.priority, o.placed_at, o.promised_at,
    coalesce(o.delivery_mode, 'home') AS delivery_mode,
    coalesce(o.delivery_choice, 'any') AS delivery_choice,
    o.pickup_location, o.service, c.country, c.postal_code, c.latitude, c.longitude,
    CAST(w.unit_price AS double precision) / greatest(w.units_per, 1) AS unit_value,
    w.currency, w.keep_together, s.weight_g,
    CAST(coalesce(p.parts_used, 0) AS bigint) AS parts_used
FROM waiting w
JOIN open_orders o ON o.order_id = w.order_id
LEFT JOIN order_contacts c ON c.order_id = w.order_id
LEFT JOIN skus s ON s.sku = w.sku
LEFT JOIN parts p ON p.order_id = w.order_id
WHERE w.quantity > 0
ORDER BY w.order_id, w.line_id, w.sku
