-- Buffers of pooled channels: of the SKUs of tmp_sharing_skus, or of all ($all). The SKU `*` is
-- any without a row. Grain: (channel, SKU).
SELECT channel_id, sku, buffer, per_day, dispersion, lag_seconds, risk,
    coalesce(unheard, 0) AS unheard, computed_at
FROM stock_buffers
WHERE $all OR sku = '*' OR sku IN (SELECT sku FROM tmp_sharing_skus)
