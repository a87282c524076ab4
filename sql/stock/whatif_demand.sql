-- What customers bought in [$since, $until), less what was canceled, in SKU units, on the
-- channels of tmp_channels. Grain: (order, SKU).
SELECT o.placed_at AS at, o.placed_at AS known_at, o.channel_id, l.sku,
    CAST(sum((l.ordered_quantity - l.canceled_quantity) * l.units_per) AS bigint) AS quantity
FROM orders o
JOIN tmp_channels c ON c.channel_id = o.channel_id
JOIN order_lines l ON l.order_id = o.order_id
WHERE o.placed_at >= $since AND o.placed_at < $until AND l.sku IS NOT NULL
    AND l.ordered_quantity > l.canceled_quantity
GROUP BY o.order_id, o.placed_at, o.channel_id, l.sku
ORDER BY o.placed_at, o.channel_id, l.sku
