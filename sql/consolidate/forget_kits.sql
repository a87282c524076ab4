-- Grain: components of kits that their file (tmp_kits) has no more. Keys: kit_sku, sku.
-- Guarantee: the table then says what the file says.
DELETE FROM kits
WHERE NOT EXISTS (
    SELECT 1 FROM tmp_kits AS f WHERE f.kit_sku = kits.kit_sku AND f.sku = kits.sku
)
