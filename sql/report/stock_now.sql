-- Stock by location and SKU: sellable, allocated, and aside (in repair or quarantine).
-- Grain: (location, sku).
SELECT l.location_id AS location, b.sku,
    CAST(sum(CASE WHEN split_part(b.account, '/', 2) = 'sellable' THEN b.quantity ELSE 0 END)
        AS bigint) AS sellable,
    CAST(sum(CASE WHEN split_part(b.account, '/', 2) = 'allocated' THEN b.quantity ELSE 0 END)
        AS bigint) AS allocated,
    CAST(sum(CASE WHEN split_part(b.account, '/', 2) IN ('sellable', 'allocated') THEN 0
        ELSE b.quantity END) AS bigint) AS aside
FROM stock_balance_parts b
JOIN locations l ON l.location_id = split_part(b.account, '/', 1)
GROUP BY l.location_id, b.sku
ORDER BY location, sku
