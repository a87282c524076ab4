-- Allocated units by location of the SKUs of tmp_skus, as the ledger has them.
-- Grain: (location, sku).
SELECT l.location_id, b.sku, b.quantity AS allocated
FROM tmp_skus e
JOIN stock_balances b ON b.sku = e.sku
JOIN locations l ON b.account = l.location_id || '/allocated'
ORDER BY l.location_id, b.sku
