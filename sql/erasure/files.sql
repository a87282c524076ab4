-- Dispatch files in which the orders of tmp_erased stand. Grain: (destination, name).
SELECT DISTINCT f.location_id AS destination, f.file_name AS name
FROM fulfillment_orders f
JOIN tmp_erased e ON e.order_id = f.order_id
WHERE f.file_name IS NOT NULL
UNION
SELECT DISTINCT f.location_id, f.cancel_file_name
FROM fulfillment_orders f
JOIN tmp_erased e ON e.order_id = f.order_id
WHERE f.cancel_file_name IS NOT NULL
