-- Units sold from day $first on and before $until: of the SKUs of tmp_sale_skus, or of all
-- ($all). Grain: (channel, SKU, location; empty where none).
SELECT channel_id, sku, location_id, CAST(sum(units) AS bigint) AS units
FROM daily_sales
WHERE day >= $first AND day < $until AND ($all OR sku IN (SELECT sku FROM tmp_sale_skus))
GROUP BY channel_id, sku, location_id
HAVING sum(units) > 0
