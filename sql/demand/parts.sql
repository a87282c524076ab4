-- The parts of the orders of tmp_open_orders that were given to locations. Grain: fo_id.
-- None was given before $begun. `untold`: closed after the order's record was read.
SELECT f.fo_id, f.order_id, f.state, coalesce(f.closed_at > o.fetched_at, FALSE) AS untold
FROM tmp_open_orders o
JOIN fulfillment_orders f ON f.order_id = o.order_id
WHERE f.planned_at >= $begun
