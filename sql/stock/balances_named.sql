-- Balances of the accounts and SKUs of tmp_accounts. Grain: (account, sku).
SELECT b.account, b.sku, b.quantity
FROM tmp_accounts a
JOIN stock_balances b ON b.account = a.account AND b.sku = a.sku
