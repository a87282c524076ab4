-- Units of tmp_sale_orders that locations have, or have shipped. Grain: (order, SKU, location).
-- What a location refused or gave back was not its to hand over.
-- Reads their parts (tmp_sale_parts) and the lines of them (tmp_sale_part_lines).
SELECT p.order_id, l.sku, p.location_id,
    CAST(sum(CASE WHEN p.state IN ('refused', 'canceled') THEN l.shipped_quantity
        ELSE greatest(l.quantity - l.refused_quantity, l.shipped_quantity) END) AS bigint) AS units
FROM tmp_sale_orders o
JOIN tmp_sale_parts p ON p.order_id = o.order_id
JOIN tmp_sale_part_lines l ON l.fo_id = p.fo_id
WHERE o.counts
GROUP BY p.order_id, l.sku, p.location_id
