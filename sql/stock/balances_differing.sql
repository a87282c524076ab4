-- Balances that are not what the whole ledger gives. Grain: (account, sku); no row while the
-- promise holds. `kept` is the balance, `moved` the sum of the movements.
WITH moved AS (
    SELECT account, sku, CAST(sum(quantity) AS bigint) AS quantity
    FROM (
        SELECT to_account AS account, sku, quantity FROM stock_movements
        UNION ALL
        SELECT from_account, sku, -quantity FROM stock_movements
    ) AS legs
    GROUP BY account, sku
)
SELECT coalesce(b.account, m.account) AS account, coalesce(b.sku, m.sku) AS sku,
    coalesce(b.quantity, 0) AS kept, coalesce(m.quantity, 0) AS moved
FROM stock_balances b
FULL JOIN moved m ON m.account = b.account AND m.sku = b.sku
WHERE coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
