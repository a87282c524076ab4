-- Daily sales after adding the differences of tmp_sale_deltas.
-- Grain: (day, channel, SKU, location).
SELECT d.day, d.channel_id, d.sku, d.location_id,
    CAST(d.units + coalesce(s.units, 0) AS bigint) AS units
FROM tmp_sale_deltas d
LEFT JOIN daily_sales s
    ON s.day = d.day AND s.channel_id = d.channel_id AND s.sku = d.sku
    AND s.location_id = d.location_id
