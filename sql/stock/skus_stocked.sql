-- How many SKUs have a place in the stock, whether there are units of them or not. One row.
SELECT count(DISTINCT b.sku) AS skus
FROM stock_balance_parts b
