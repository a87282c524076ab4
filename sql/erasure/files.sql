-- Files in which the orders of tmp_erased stand. Grain: (destination, name); `flow` dispatch or
-- return_notice.
SELECT DISTINCT f.location_id AS destination, f.file_name AS name, 'dispatch' AS flow
FROM fulfillment_orders f
JOIN tmp_erased e ON e.order_id = f.order_id
WHERE f.file_name IS NOT NULL
UNION
SELECT DISTINCT f.location_id, f.cancel_file_name, 'dispatch'
FROM fulfillment_orders f
JOIN tmp_erased e ON e.order_id = f.order_id
WHERE f.cancel_file_name IS NOT NULL
UNION
SELECT DISTINCT x.destination, x.receipt, 'return_notice'
FROM outbox x
JOIN returns r ON r.return_id = x.subject
JOIN tmp_erased e ON e.order_id = r.order_id
WHERE x.kind = 'return_notice' AND x.receipt IS NOT NULL
