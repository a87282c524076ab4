-- When the ledger of each location begins: its first count, receipt or delta. Grain: location.
SELECT split_part(to_account, '/', 1) AS location_id, min(valid_at) AS begun
FROM stock_movements
WHERE to_account LIKE '%/sellable'
GROUP BY split_part(to_account, '/', 1)
ORDER BY location_id
