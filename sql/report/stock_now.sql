-- Stock by location and SKU. Grain: (location, sku).
SELECT l.location_id AS location, b.sku,
    CAST(sum(CASE WHEN b.account = l.location_id || '/sellable' THEN b.quantity ELSE 0 END) AS bigint)
        AS sellable,
    CAST(sum(CASE WHEN b.account = l.location_id || '/allocated' THEN b.quantity ELSE 0 END) AS bigint)
        AS allocated,
    CAST(sum(CASE WHEN b.account NOT IN (l.location_id || '/sellable', l.location_id || '/allocated')
        THEN b.quantity ELSE 0 END) AS bigint) AS aside
FROM stock_balances b
JOIN locations l ON b.account IN (
    l.location_id || '/sellable', l.location_id || '/allocated', l.location_id || '/repair',
    l.location_id || '/quarantine', l.location_id || '/damaged')
GROUP BY l.location_id, b.sku
ORDER BY location, sku
