-- What the plans made from $since up to $until gave to locations, as they gave it, whatever became
-- of it. Grain: (fo_id, line_id, sku); units are of the SKU.
SELECT f.plan_id, f.planned_at, f.order_id, l.line_id, l.sku, f.location_id, f.ship_by, l.quantity
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE f.planned_at >= $since AND f.planned_at <= $until
ORDER BY f.planned_at, f.fo_id, l.line_id, l.sku
