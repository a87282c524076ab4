-- Lines of the newest orders that had something to ship, as they were ordered: whatever their
-- state, resolved, a kit as its components. Grain: (order_id, line_id, sku). Units are of the SKU.
-- Columns are those a plan reads of open lines. At most $limit orders, the newest first.
WITH newest AS (
    SELECT order_id, channel_id, priority, placed_at, promised_at, delivery_mode,
        delivery_choice, pickup_location, service
    FROM orders
    WHERE coalesce(delivery_mode, 'home') <> 'none'
    ORDER BY placed_at DESC, order_id
    LIMIT $limit
)
SELECT l.order_id, l.line_id, coalesce(b.sku, l.sku) AS sku,
    CAST(l.ordered_quantity * l.units_per * coalesce(b.quantity, 1) AS bigint) AS quantity,
    o.channel_id, o.priority, o.placed_at, o.promised_at,
    coalesce(o.delivery_mode, 'home') AS delivery_mode,
    coalesce(o.delivery_choice, 'any') AS delivery_choice,
    o.pickup_location, o.service, c.country, c.postal_code, c.latitude, c.longitude,
    CAST(l.unit_price AS double precision) / greatest(l.units_per, 1)
        * coalesce(b.price_share, 1) AS unit_value,
    l.currency, l.keep_together, b.bill_id, b.quantity AS per_kit, s.weight_g
FROM newest o
JOIN order_lines l ON l.order_id = o.order_id
LEFT JOIN bills b ON b.kit_sku = l.sku AND b.in_use
LEFT JOIN order_contacts c ON c.order_id = o.order_id
LEFT JOIN skus s ON s.sku = coalesce(b.sku, l.sku)
WHERE l.sku IS NOT NULL AND coalesce(l.requires_shipping, TRUE) AND l.ordered_quantity > 0
ORDER BY l.order_id, l.line_id, coalesce(b.sku, l.sku)
