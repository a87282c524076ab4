-- Lines of the dispatch file $name and what became of them. Grain and key: (action, fo_id,
-- line_id, sku). No personal data.
SELECT CASE WHEN f.file_name = $name THEN 'ship' ELSE 'cancel' END AS action, f.fo_id, f.order_id,
    l.line_id, l.sku, l.quantity, l.shipped_quantity, l.refused_quantity, l.refusal_reason, f.state
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE (f.file_name = $name OR f.cancel_file_name = $name) AND l.quantity > 0
