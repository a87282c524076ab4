-- SKUs that lie at a location, are to come to one, or have a level. Grain: sku.
SELECT DISTINCT b.sku
FROM locations l
JOIN (
    SELECT account, sku, quantity FROM stock_balances
    UNION ALL
    SELECT account, sku, quantity FROM stock_balances_delta
) AS b ON b.account = l.location_id || '/sellable'
UNION
SELECT sku FROM supply WHERE arrived_at IS NULL AND quantity > received_quantity
UNION
SELECT sku FROM levels
ORDER BY sku
