-- Cancellations of a delivered file to a location that never answers: they count as done.
-- Grain: fo_id.
UPDATE fulfillment_orders
SET state = 'canceled', closed_at = $now
WHERE cancel_file_name = $name AND state = 'cancel_requested'
