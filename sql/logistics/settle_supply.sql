-- Supply that a count of tmp_supply_counts contains: it was expected before.
-- Grain: (location, reference, SKU). Guarantee: the first such count is kept, in whatever order
-- they come.
UPDATE supply
SET arrived_at = f.counted_at
FROM (
    SELECT s.location_id, s.reference, s.sku, min(c.counted_at) AS counted_at
    FROM supply s
    JOIN tmp_supply_counts c
        ON c.location_id = s.location_id AND c.sku = s.sku AND c.counted_at > s.expected_at
    GROUP BY s.location_id, s.reference, s.sku
) AS f
WHERE f.location_id = supply.location_id AND f.reference = supply.reference
    AND f.sku = supply.sku
    AND (supply.arrived_at IS NULL OR supply.arrived_at > f.counted_at)
