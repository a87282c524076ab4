-- Allocated units by location of the SKUs of tmp_skus, as the ledger has them.
-- Grain: (location, sku).
SELECT l.location_id, b.sku, CAST(sum(b.quantity) AS bigint) AS allocated
FROM stock_balance_parts b
JOIN tmp_skus e ON e.sku = b.sku
JOIN locations l ON b.account = l.location_id || '/allocated'
GROUP BY l.location_id, b.sku
ORDER BY l.location_id, b.sku
