-- Orders a location had before it counted tmp_cases and has not told the end of: they may have
-- left the shelf. Grain: (location, sku, counted_at, fo_id). Reads open orders (tmp_lines is what
-- the ledger just looked at, which has all of them). Where a location counts what is available,
-- what it holds for orders is no part of its number, so that none of them explains a difference.
SELECT c.location_id, c.sku, c.counted_at, f.fo_id, f.dispatched_at,
    CAST(sum(l.quantity - l.shipped_quantity - l.refused_quantity) AS bigint) AS units
FROM tmp_cases c
JOIN tmp_lines l ON l.sku = c.sku
JOIN fulfillment_orders f ON f.fo_id = l.fo_id AND f.location_id = c.location_id
WHERE c.missing > 0 AND c.means = 'on_hand' AND f.closed_at IS NULL
    AND f.dispatched_at <= c.counted_at
    AND l.quantity - l.shipped_quantity - l.refused_quantity > 0
GROUP BY c.location_id, c.sku, c.counted_at, f.fo_id, f.dispatched_at
