-- SKUs that lie at a location, are to come to one, or have a level. Grain: sku.
SELECT DISTINCT b.sku
FROM locations l
JOIN stock_balance_parts b ON b.account = l.location_id || '/sellable'
UNION
SELECT sku FROM supply WHERE arrived_at IS NULL AND quantity > received_quantity
UNION
SELECT sku FROM levels
ORDER BY sku
