-- Supply still to come: of the SKUs of tmp_supply_skus, or of all ($all).
-- Grain: (location, reference, SKU). Units received are not to come; nor is what a count of the
-- SKU, later than it was expected, contains.
SELECT location_id, reference, sku, quantity - received_quantity AS quantity, expected_at
FROM supply
WHERE quantity > received_quantity AND arrived_at IS NULL
    AND ($all OR sku IN (SELECT sku FROM tmp_supply_skus))
ORDER BY sku, expected_at, location_id, reference
