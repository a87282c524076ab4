-- Units that lie at a location, allocated or not, of tmp_lot_pairs. Grain: (location, sku).
SELECT t.location_id, t.sku, CAST(sum(b.quantity) AS bigint) AS quantity
FROM tmp_lot_pairs t
JOIN stock_balance_parts b
    ON b.sku = t.sku AND b.account IN (t.location_id || '/sellable', t.location_id || '/allocated')
GROUP BY t.location_id, t.sku
