-- Units sold from day $first on and before $until, and the sum of the squares of each day's, of
-- the SKUs of tmp_sharing_skus, or of all ($all). Grain: (channel, SKU).
SELECT channel_id, sku, CAST(sum(units) AS bigint) AS units,
    CAST(sum(units * units) AS bigint) AS squares
FROM (
    SELECT day, channel_id, sku, sum(units) AS units
    FROM daily_sales
    WHERE day >= $first AND day < $until
        AND ($all OR sku IN (SELECT sku FROM tmp_sharing_skus))
    GROUP BY day, channel_id, sku
) d
WHERE units > 0
GROUP BY channel_id, sku
