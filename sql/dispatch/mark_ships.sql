-- Fulfillment orders of a delivered file. Grain: fo_id. One that was confirmed or canceled
-- meanwhile keeps its state.
UPDATE fulfillment_orders
SET state = CASE WHEN state = 'planned' THEN 'dispatched' ELSE state END, dispatched_at = $now
WHERE file_name = $name AND dispatched_at IS NULL
