-- The counts of tmp_changed: what they said, when they were read. Grain: (location, sku,
-- counted_at). tmp_counted holds the counts the ledger was just held against.
SELECT t.location_id, t.sku, t.counted_at, t.quantity AS counted, t.means, t.fetched_at AS read_at,
    t.batch_id
FROM tmp_changed c
JOIN tmp_counted t
    ON t.location_id = c.location_id AND t.sku = c.sku AND t.counted_at = c.counted_at
