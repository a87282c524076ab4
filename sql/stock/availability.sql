-- Sellable units of the SKUs of tmp_skus by location: on hand less allocated, as the ledger has
-- them. Grain: (location, sku), in no order. Safety stock and thresholds are taken off by the
-- caller.
SELECT l.location_id, b.sku, CAST(sum(b.quantity) AS bigint) AS quantity
FROM stock_balance_parts b
JOIN locations l ON b.account = l.location_id || '/sellable'
WHERE b.sku IN (SELECT sku FROM tmp_skus)
GROUP BY l.location_id, b.sku
