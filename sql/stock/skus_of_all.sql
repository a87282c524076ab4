-- SKUs that lie at a location or have a level. Grain: sku.
SELECT DISTINCT b.sku
FROM locations l
JOIN stock_balances b ON b.account = l.location_id || '/sellable'
UNION
SELECT sku FROM levels
ORDER BY sku
