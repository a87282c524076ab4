-- What statements sum up to balances: the table, and what its delta adds. Grain: none; a sum by
-- (account, sku) is a balance.
CREATE OR REPLACE VIEW stock_balance_parts AS
SELECT account, sku, quantity FROM stock_balances
UNION ALL
SELECT account, sku, quantity FROM stock_balances_delta
