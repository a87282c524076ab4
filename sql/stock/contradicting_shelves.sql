-- Shelves of tmp_shelves that contradict what was said of them: `short` units were not found while
-- the ledger has more there (null where nothing was), or the location counted less than is
-- allocated (counted). Grain: (kind, location, sku, subject). Reads tmp_shelf_balances, which has
-- all shelves that movements left or counts corrected.
WITH shelf AS (
    SELECT t.location_id, t.sku, t.subject, t.short, t.counted, b.quantity
    FROM tmp_shelves t
    JOIN tmp_shelf_balances b ON b.account = t.location_id || '/sellable' AND b.sku = t.sku
)
SELECT 'short_pick_in_stock' AS kind, location_id, sku, subject,
    CAST(least(short, quantity) AS bigint) AS units
FROM shelf
WHERE short > 0 AND quantity > 0
UNION ALL
SELECT 'counted_below_allocated', location_id, sku, subject, CAST(-quantity AS bigint)
FROM shelf
WHERE counted AND quantity < 0
