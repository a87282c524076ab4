-- Supply that a count of tmp_supply_counts contains: it was expected before. `counted_at` is the
-- first such count, in whatever order they come. Grain: (location, reference, SKU). Lines that
-- are marked with that count, or an earlier one, are left out.
SELECT s.location_id, s.reference, s.sku, min(c.counted_at) AS counted_at
FROM supply s
JOIN tmp_supply_counts c
    ON c.location_id = s.location_id AND c.sku = s.sku AND c.counted_at > s.expected_at
    AND (s.arrived_at IS NULL OR s.arrived_at > c.counted_at)
GROUP BY s.location_id, s.reference, s.sku
