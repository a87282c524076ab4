-- What locations were given of the orders that are open, whatever became of it.
-- Grain: (fo_id, line_id, sku). Reads open orders only, however long the history.
SELECT f.order_id, f.location_id, f.fo_id, f.state, f.closed_at, l.line_id, l.sku, l.bill_id,
    l.quantity, l.shipped_quantity, l.refused_quantity
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE f.order_id IN (SELECT order_id FROM orders WHERE order_status = 'open')
ORDER BY f.fo_id, l.line_id, l.sku
