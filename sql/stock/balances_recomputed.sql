-- The balances as the whole ledger gives them: what stock_balances must equal. Grain: (account, sku).
SELECT account, sku, CAST(sum(quantity) AS bigint) AS quantity
FROM (
    SELECT to_account AS account, sku, quantity FROM stock_movements
    UNION ALL
    SELECT from_account, sku, -quantity FROM stock_movements
) AS legs
GROUP BY account, sku
ORDER BY account, sku
