-- Sellable units by location and SKU: on hand less allocated, as the ledger has them.
-- Grain: (location, sku). Safety stock and thresholds are taken off by the caller.
SELECT l.location_id, b.sku, b.quantity
FROM locations l
JOIN stock_balances b ON b.account = l.location_id || '/sellable'
ORDER BY l.location_id, b.sku
