-- Sellable units of the SKUs of tmp_skus by location: on hand less allocated, as the ledger has
-- them. Grain: (location, sku). Safety stock and thresholds are taken off by the caller.
SELECT l.location_id, b.sku, b.quantity
FROM stock_balances b
JOIN tmp_skus k ON k.sku = b.sku
JOIN locations l ON b.account = l.location_id || '/sellable'
ORDER BY l.location_id, b.sku
