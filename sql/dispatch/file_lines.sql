-- Lines of the fulfillment orders of tmp_due and what became of them. Grain and key: (action,
-- fo_id, line_id, sku), in the order of the file. No personal data.
SELECT d.action, f.fo_id, f.order_id, l.line_id, l.sku, l.quantity, l.shipped_quantity,
    l.refused_quantity, l.refusal_reason, f.state
FROM tmp_due d
JOIN fulfillment_orders f ON f.fo_id = d.fo_id
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE l.quantity > 0
ORDER BY d.action, f.fo_id, l.line_id, l.sku
