-- Places that ever told stock of a SKU that stands in tmp_route_skus. Grain: (location_id, sku).
SELECT DISTINCT left(b.account, length(b.account) - length('/sellable')) AS location_id, b.sku
FROM stock_balance_parts b
JOIN tmp_route_skus w ON w.sku = b.sku
WHERE right(b.account, length('/sellable')) = '/sellable'
ORDER BY location_id, b.sku
