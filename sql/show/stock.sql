-- Balances of one SKU in every account. Grain: account.
SELECT b.account, CAST(sum(b.quantity) AS bigint) AS quantity
FROM (
    SELECT account, sku, quantity FROM stock_balances
    UNION ALL
    SELECT account, sku, quantity FROM stock_balances_delta
) AS b
WHERE b.sku = $sku
GROUP BY b.account
HAVING sum(b.quantity) <> 0
ORDER BY b.account
