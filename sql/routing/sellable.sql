-- Sellable units (on hand less allocated) of the SKUs that wait, by location.
-- Grain: (location_id, sku). Reads the temporary table tmp_routing_skus(sku).
SELECT left(b.account, length(b.account) - length('/sellable')) AS location_id, b.sku,
    CAST(sum(b.quantity) AS bigint) AS available
FROM stock_balance_parts b
JOIN tmp_routing_skus w ON w.sku = b.sku
WHERE right(b.account, length('/sellable')) = '/sellable'
GROUP BY b.account, b.sku
ORDER BY location_id, b.sku
