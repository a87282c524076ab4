-- Units sold under each quota of tmp_quotas since it opened: of the SKUs of tmp_quota_skus, or of
-- all ($all). Grain: (channel, quota, SKU). Units are of the SKU; what was canceled, or refunded
-- before it shipped, was not sold.
WITH sales AS (
    SELECT q.quota, o.order_id, o.channel_id
    FROM tmp_quotas q
    JOIN orders o ON o.channel_id = q.channel_id
        AND o.placed_at >= q.opens AND o.placed_at < q.closes
    WHERE o.order_status <> 'canceled'
),
refunded AS (
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM refund_lines r
    WHERE r.restock = 'cancel' AND r.order_id IN (SELECT order_id FROM sales)
    GROUP BY r.order_id, r.line_id
)
SELECT s.channel_id, s.quota, l.sku,
    CAST(sum(greatest(l.ordered_quantity
        - greatest(l.canceled_quantity, coalesce(r.quantity, 0)), 0) * l.units_per) AS bigint)
        AS sold
FROM sales s
JOIN order_lines l ON l.order_id = s.order_id
LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
WHERE l.sku IS NOT NULL AND ($all OR l.sku IN (SELECT sku FROM tmp_quota_skus))
GROUP BY s.channel_id, s.quota, l.sku
