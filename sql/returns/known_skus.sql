-- The SKUs of tmp_skus that the merchant has: in the catalog, counted, or sold before.
-- Grain and key: sku.
SELECT t.sku
FROM tmp_skus t
WHERE EXISTS (SELECT 1 FROM skus s WHERE s.sku = t.sku)
    OR EXISTS (SELECT 1 FROM order_lines l WHERE l.sku = t.sku)
ORDER BY t.sku
