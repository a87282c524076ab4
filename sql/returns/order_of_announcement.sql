-- The order each announcement names, by id, number or external id. Grain: (wanted, order).
SELECT w.wanted, o.order_id
FROM tmp_wanted w
JOIN orders o ON o.order_id = w.wanted OR o.number = w.wanted OR o.external_id = w.wanted
ORDER BY w.wanted, o.order_id
