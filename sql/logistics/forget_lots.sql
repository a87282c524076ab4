-- Forget the lots of a location's counts that a newer count of the SKU replaced (tmp_lots_replaced),
-- so that what is kept is bounded by what lies there. Grain: (location, sku, counted_at, lot).
-- Guarantee: in whatever order counts come, the lots of the newest stay.
DELETE FROM stock_lots
WHERE location_id = $location_id AND EXISTS (
    SELECT 1 FROM tmp_lots_replaced r
    WHERE r.sku = stock_lots.sku AND r.counted_at = stock_lots.counted_at
)
