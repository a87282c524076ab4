-- Fulfillment orders that wait or are on their way. Grain and key: fo_id.
SELECT fo_id, order_id, file_name, cancel_file_name
FROM fulfillment_orders
WHERE state IN ('planned', 'dispatched', 'accepted')
