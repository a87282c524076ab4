-- By what demand multiplies declared claims: of the SKUs of tmp_sharing_skus, or of all ($all).
-- Grain: (channel, SKU).
SELECT channel_id, sku, factor FROM stock_weights
WHERE $all OR sku IN (SELECT sku FROM tmp_sharing_skus)
