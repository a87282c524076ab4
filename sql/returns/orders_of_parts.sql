-- Orders of the fulfillment orders in tmp_parts. Grain and key: order_id.
SELECT DISTINCT f.order_id
FROM tmp_parts t
JOIN fulfillment_orders f ON f.fo_id = t.fo_id
ORDER BY f.order_id
