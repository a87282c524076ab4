-- Put cancellations into their file, for good. Grain: fo_id.
UPDATE fulfillment_orders
SET cancel_file_name = a.name
FROM tmp_assigned a
WHERE a.fo_id = fulfillment_orders.fo_id AND a.action = 'cancel'
    AND fulfillment_orders.cancel_file_name IS NULL
