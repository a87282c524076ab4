-- Balances of the accounts and SKUs of tmp_deltas after adding their deltas. Grain: (account, sku).
SELECT d.account, d.sku, CAST(d.quantity + coalesce(b.quantity, 0) AS bigint) AS quantity
FROM tmp_deltas d
LEFT JOIN stock_balances b ON b.account = d.account AND b.sku = d.sku
