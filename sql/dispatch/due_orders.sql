-- The orders that tmp_due_parts are parts of. Grain and key: order_id.
SELECT DISTINCT order_id FROM tmp_due_parts
