-- How many order parts each location already ships, by the moment they must leave.
-- Grain: (location_id, ship_by). Only moments from $since on.
SELECT location_id, ship_by, count(*) AS booked
FROM fulfillment_orders
WHERE ship_by >= $since AND state NOT IN ('refused', 'canceled')
GROUP BY location_id, ship_by
ORDER BY location_id, ship_by
