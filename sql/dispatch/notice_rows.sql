-- Rows of return notices for the returns of tmp_due, in SKU units, a kit as its components.
-- Grain: (return_id, line_id, sku).
SELECT r.return_id, r.rma, r.order_id, coalesce(b.sku, l.sku, o.sku) AS sku, l.line_id,
    l.quantity * coalesce(o.units_per, 1) * coalesce(b.quantity, 1) AS quantity,
    coalesce(l.reason_code, r.reason_code) AS reason_code,
    coalesce(l.reason_text, r.reason_text) AS reason_text,
    r.tracking_number, r.carrier_id
FROM tmp_due d
JOIN returns r ON r.return_id = d.return_id
JOIN return_lines l ON l.return_id = r.return_id
LEFT JOIN order_lines o ON o.order_id = r.order_id AND o.line_id = l.line_id
LEFT JOIN bills b ON b.kit_sku = coalesce(l.sku, o.sku) AND b.in_use
WHERE l.quantity > 0
ORDER BY r.return_id, l.line_id, sku
