-- What one plan gave to locations, as it gave it, whatever became of it; with where it was sold
-- and what the plan knew of the way. Grain: (order_id, part, line_id, sku); a location has one
-- part of an order. Units are of the SKU; distance_km is null where unknown.
SELECT f.order_id, d.part, f.location_id, l.line_id, l.sku, l.quantity, o.channel_id, c.country,
    coalesce(o.delivery_mode = 'collect', false) AS collected, d.distance_km
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
JOIN decisions d
    ON d.plan_id = f.plan_id AND d.order_id = f.order_id AND d.location_id = f.location_id
    AND d.verdict = 'chosen'
LEFT JOIN orders o ON o.order_id = f.order_id
LEFT JOIN order_contacts c ON c.order_id = f.order_id
WHERE f.plan_id = $plan_id
ORDER BY f.order_id, d.part, l.line_id, l.sku
