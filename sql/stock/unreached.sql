-- What channels out of reach may still show, in SKU units, of the SKUs of tmp_sharing_skus, or of
-- all ($all): the most of their listings of a SKU. Grain: (channel, SKU).
SELECT v.channel_id, v.sku, CAST(max(coalesce(v.held, 0) * v.units_per) AS bigint) AS held
FROM levels v
JOIN channel_reach r ON r.channel_id = v.channel_id
WHERE NOT (r.heard AND r.told)
    AND ($all OR v.sku IN (SELECT sku FROM tmp_sharing_skus))
GROUP BY v.channel_id, v.sku
