-- Fulfillment orders that are open, or were closed since $since. Grain: fo_id.
SELECT fo_id, location_id, state, planned_at, closed_at
FROM fulfillment_orders
WHERE closed_at IS NULL OR closed_at >= $since
