-- Lots that expire by $latest, as last counted: of the SKUs of tmp_lot_skus, or of all ($all).
-- Grain: (location, sku, lot).
SELECT location_id, sku, lot, counted_at, expires_on, quantity
FROM stock_lots
WHERE expires_on <= $latest AND ($all OR sku IN (SELECT sku FROM tmp_lot_skus))
ORDER BY location_id, sku, expires_on, lot
