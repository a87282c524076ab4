-- What locations shipped beyond what they were asked, of the orders and parcels that the ledger just
-- looked at (tmp_orders, tmp_lines, tmp_parcels, tmp_contents). Grain: (kind, order line).
SELECT 'shipped_more' AS kind, t.location_id, l.sku,
    l.fo_id || '/' || l.line_id AS subject,
    CAST(l.shipped_quantity - l.quantity AS bigint) AS units
FROM tmp_orders t
JOIN tmp_lines l ON l.fo_id = t.fo_id
WHERE l.shipped_quantity > l.quantity
UNION ALL
SELECT 'shipped_unasked', t.location_id, c.sku, p.fo_id || '/' || c.line_id,
    CAST(sum(c.quantity) AS bigint)
FROM tmp_parcels p
JOIN tmp_orders t ON t.fo_id = p.fo_id
JOIN tmp_contents c ON c.shipment_id = p.shipment_id
LEFT JOIN tmp_lines l ON l.fo_id = p.fo_id AND l.line_id = c.line_id AND l.sku = c.sku
WHERE l.fo_id IS NULL
GROUP BY t.location_id, c.sku, p.fo_id, c.line_id
