-- Balances that are not what the whole ledger gives. Grain: (account, sku); no row while the
-- promise holds. `kept` is the balance, `moved` the sum of the movements.
SELECT account, sku, CAST(sum(kept) AS bigint) AS kept, CAST(sum(moved) AS bigint) AS moved
FROM (
    SELECT account, sku, quantity AS kept, 0 AS moved FROM stock_balance_parts
    UNION ALL
    SELECT to_account, sku, 0, quantity FROM stock_movements
    UNION ALL
    SELECT from_account, sku, 0, -quantity FROM stock_movements
) AS legs
GROUP BY account, sku
HAVING sum(kept) <> sum(moved)
