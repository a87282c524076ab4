-- Drift the hub knows of, where it may have to be judged anew: of the shelves whose counts now
-- correct the ledger otherwise (tmp_changed) all of it; of those that moved (tmp_moved), and where
-- time alone changes the verdict, what is open. Grain: (location, sku, counted_at).
SELECT d.*
FROM stock_drift d
LEFT JOIN (SELECT DISTINCT location_id, sku FROM tmp_changed) c
    ON c.location_id = d.location_id AND c.sku = d.sku
LEFT JOIN tmp_moved m ON m.location_id = d.location_id AND m.sku = d.sku
WHERE c.sku IS NOT NULL
    OR (d.state IN ('in_flight', 'drift') AND (m.sku IS NOT NULL OR d.due_at <= $now))
