-- The fulfillment orders named in tmp_named. Grain: fo_id.
SELECT f.fo_id, f.location_id, f.state, f.planned_at, f.closed_at
FROM tmp_named n
JOIN fulfillment_orders f ON f.fo_id = n.fo_id
