-- Forget the lots of a location's counts that a newer count of the SKU replaced, so that what is
-- kept is bounded by what lies there. Grain: (location, sku, counted_at, lot).
-- Guarantee: in whatever order counts come, the lots of the newest stay.
-- Reads counts since $oldest, the oldest that lots are kept of.
DELETE FROM stock_lots
WHERE location_id = $location_id AND EXISTS (
    SELECT 1 FROM stock_counts c
    WHERE c.location_id = stock_lots.location_id AND c.sku = stock_lots.sku
        AND c.counted_at > stock_lots.counted_at AND c.counted_at > $oldest
)
