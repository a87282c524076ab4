-- Mark supply with the count that contains it (tmp_supply_contained).
-- Grain: (location, reference, SKU).
UPDATE supply
SET arrived_at = f.counted_at
FROM tmp_supply_contained AS f
WHERE f.location_id = supply.location_id AND f.reference = supply.reference
    AND f.sku = supply.sku
