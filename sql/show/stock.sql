-- Balances of one SKU in every account. Grain: account.
SELECT account, quantity FROM stock_balances WHERE sku = $sku AND quantity <> 0 ORDER BY account
