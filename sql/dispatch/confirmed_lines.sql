-- Lines of the fulfillment orders of tmp_confirmed, with their order's state. Grain and key:
-- (fo_id, line_id, sku).
SELECT l.fo_id, l.line_id, l.sku, f.order_id, f.location_id, f.state, l.quantity,
    l.shipped_quantity, l.refused_quantity, l.refusal_reason, l.bill_id
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE f.fo_id IN (SELECT t.fo_id FROM tmp_confirmed t)
ORDER BY l.fo_id, l.line_id, l.sku
