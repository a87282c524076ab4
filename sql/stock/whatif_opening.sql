-- Sellable units at $since, as the ledger has them by now. Grain: (location, sku).
-- Allocated units are promised to earlier orders: they are not for sale in a replay.
WITH legs AS (
    SELECT l.location_id, m.sku, m.quantity
    FROM stock_movements m
    JOIN locations l ON m.to_account = l.location_id || '/sellable'
    WHERE m.valid_at < $since
    UNION ALL
    SELECT l.location_id, m.sku, -m.quantity
    FROM stock_movements m
    JOIN locations l ON m.from_account = l.location_id || '/sellable'
    WHERE m.valid_at < $since
)
SELECT location_id, sku, CAST(sum(quantity) AS bigint) AS quantity
FROM legs
GROUP BY location_id, sku
HAVING sum(quantity) <> 0
ORDER BY location_id, sku
