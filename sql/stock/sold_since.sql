-- SKU units a channel sold since its level was accepted: the channel has taken them off itself.
-- Grain: sku. Store sales and levels older than $since are left to the daily full pass.
SELECT v.sku, CAST(sum(l.ordered_quantity * l.units_per) AS bigint) AS sold
FROM levels v
JOIN orders o ON o.channel_id = v.channel_id AND o.placed_at > v.accepted_at
JOIN order_lines l ON l.order_id = o.order_id AND l.sku = v.sku
WHERE v.channel_id = $channel_id AND o.placed_at >= $since
GROUP BY v.sku
