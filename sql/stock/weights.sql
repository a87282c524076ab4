-- By what demand multiplies declared claims: of the SKUs of tmp_sharing_skus, or of all ($all).
-- The SKU * stands for none: it says that there was something to measure, and nothing sold.
-- Grain: (channel, SKU).
SELECT channel_id, sku, factor FROM stock_weights
WHERE sku <> '*' AND ($all OR sku IN (SELECT sku FROM tmp_sharing_skus))
