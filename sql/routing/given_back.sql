-- Units that a location was given and does not ship: refused, not found, or canceled; by when the
-- hub knew. Of what the plans made from $since up to $until gave, known up to $until.
-- Grain: (known_at, order_id, line_id, sku, location_id); negative where it was taken back.
SELECT m.known_at, f.order_id, l.line_id, l.sku, f.location_id,
    CAST(sum(CASE WHEN m.from_account = f.location_id || '/allocated' THEN m.quantity
             ELSE -m.quantity END) AS bigint) AS quantity
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
JOIN stock_movements m ON m.cause IN ('release', 'short_pick')
    AND m.cause_id = f.fo_id || '/' || l.line_id || '/' || l.sku AND m.sku = l.sku
WHERE f.planned_at >= $since AND f.planned_at <= $until
    AND m.known_at >= $since AND m.known_at <= $until
GROUP BY m.known_at, f.order_id, l.line_id, l.sku, f.location_id
ORDER BY m.known_at, f.order_id, l.line_id, l.sku, f.location_id
