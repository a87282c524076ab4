-- SKUs of a location of which lots are kept that a newer count replaced. Grain: (sku, counted_at).
-- Reads counts since $oldest, the oldest that lots are kept of.
SELECT DISTINCT l.sku, l.counted_at
FROM stock_lots l
JOIN stock_counts c
    ON c.location_id = l.location_id AND c.sku = l.sku AND c.counted_at > l.counted_at
WHERE l.location_id = $location_id AND c.counted_at > $oldest
