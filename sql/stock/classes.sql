-- The class of SKUs that are of one of tmp_classes: of those of tmp_class_skus, or all ($all).
-- Grain: SKU.
SELECT s.sku, s.class
FROM skus s
JOIN tmp_classes c ON c.class = s.class
WHERE $all OR s.sku IN (SELECT sku FROM tmp_class_skus)
ORDER BY s.sku
