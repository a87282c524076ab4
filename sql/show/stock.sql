-- Balances of one SKU in every account. Grain: account.
SELECT b.account, CAST(sum(b.quantity) AS bigint) AS quantity
FROM stock_balance_parts b
WHERE b.sku = $sku
GROUP BY b.account
HAVING sum(b.quantity) <> 0
ORDER BY b.account
