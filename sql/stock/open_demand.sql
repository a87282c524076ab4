-- Units that customers have bought and no location has been given yet: open and held orders.
-- Grain: sku. Lines that wait for stock count here, so that nobody sells them again.
WITH given AS (
    SELECT f.order_id, l.line_id, sum(l.quantity - l.refused_quantity) AS quantity
    FROM fulfillment_orders f
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id
    JOIN orders o ON o.order_id = f.order_id
    WHERE o.order_status IN ('open', 'held') AND f.state NOT IN ('canceled', 'refused')
    GROUP BY f.order_id, l.line_id
)
SELECT l.sku, CAST(sum(greatest(
        (l.ordered_quantity - l.canceled_quantity - l.shipped_quantity) * l.units_per
        - coalesce(g.quantity, 0), 0)) AS bigint) AS quantity
FROM orders o
JOIN order_lines l ON l.order_id = o.order_id
LEFT JOIN given g ON g.order_id = l.order_id AND g.line_id = l.line_id
WHERE o.order_status IN ('open', 'held') AND o.delivery_mode <> 'none'
    AND l.sku IS NOT NULL AND l.requires_shipping
GROUP BY l.sku
ORDER BY l.sku
