-- Grain: order lines whose SKU the map or the catalog now says otherwise. Keys: order_id, line_id.
-- Guarantee: every line would stand as if it had arrived after the newest map; those of a SKU
-- that nobody knows stay null and wait.
SELECT
    l.order_id,
    l.line_id,
    coalesce(m.sku, s.sku) AS sku,
    coalesce(m.units_per, 1) AS units_per
FROM order_lines AS l
JOIN orders AS o ON o.order_id = l.order_id
LEFT JOIN sku_map AS m ON m.channel_id = o.channel_id AND m.channel_sku = l.channel_sku
LEFT JOIN skus AS s ON s.sku = l.channel_sku
WHERE coalesce(m.sku, s.sku) IS DISTINCT FROM l.sku OR coalesce(m.units_per, 1) <> l.units_per
