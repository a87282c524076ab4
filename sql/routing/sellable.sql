-- Sellable units (on hand less allocated) of the SKUs that wait, by location.
-- Grain: (location_id, sku). Reads the temporary table tmp_routing_skus(sku).
SELECT left(b.account, length(b.account) - length('/sellable')) AS location_id, b.sku,
    b.quantity AS available
FROM stock_balances b
JOIN tmp_routing_skus w ON w.sku = b.sku
WHERE right(b.account, length('/sellable')) = '/sellable'
ORDER BY location_id, b.sku
