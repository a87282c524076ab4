-- How many SKUs have a place in the stock, whether there are units of them or not. One row.
SELECT count(DISTINCT b.sku) AS skus
FROM (
    SELECT account, sku, quantity FROM stock_balances
    UNION ALL
    SELECT account, sku, quantity FROM stock_balances_delta
) AS b
