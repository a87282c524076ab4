-- Shelves that were counted below what is allocated, and hold it not yet again.
-- Grain: (location, sku).
SELECT location_id, sku
FROM stock_contradictions
WHERE state = 'open' AND kind = 'counted_below_allocated'
