-- Put fulfillment orders into their file, for good. Grain: fo_id.
UPDATE fulfillment_orders
SET file_name = a.name
FROM tmp_assigned a
WHERE a.fo_id = fulfillment_orders.fo_id AND a.action = 'ship'
    AND fulfillment_orders.file_name IS NULL
