-- What the merchant sells, as the catalog says. Grain and key: sku.
SELECT sku FROM skus ORDER BY sku
