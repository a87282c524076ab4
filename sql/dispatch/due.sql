-- What is to stand in the next dispatch files. Grain and key: (fo_id, action). `ship_by` is null of
-- what is to go at once.
SELECT fo_id, 'ship' AS action, location_id AS destination, ship_by
FROM fulfillment_orders
WHERE state = 'planned' AND file_name IS NULL
UNION ALL
SELECT fo_id, 'cancel', location_id, CAST(NULL AS timestamp with time zone)
FROM fulfillment_orders
WHERE state = 'cancel_requested' AND cancel_file_name IS NULL AND file_name IS NOT NULL
ORDER BY destination, action, fo_id
