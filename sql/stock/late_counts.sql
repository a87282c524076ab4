-- Counts of tmp_counted that were read an hour or more after they were taken, and by then were
-- wrong for it: what moved in between. Grain: (location, sku, counted_at). Those the ledger was
-- corrected by stand in stock_drift already. Reads movements valid since $since.
SELECT c.location_id, c.sku, c.counted_at, c.fetched_at AS read_at, c.batch_id, c.means,
    c.quantity AS counted,
    min(m.valid_at) AS events_at,
    CAST(sum(CASE
        WHEN m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END) - sum(CASE
        WHEN m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END) AS bigint) AS units
FROM tmp_counted c
JOIN stock_movements m ON m.sku = c.sku AND m.cause <> 'count'
    AND m.valid_at > c.counted_at AND m.valid_at <= c.fetched_at
    AND (
        m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        OR m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
    )
LEFT JOIN stock_drift d
    ON d.location_id = c.location_id AND d.sku = c.sku AND d.counted_at = c.counted_at
WHERE m.valid_at > $since AND d.sku IS NULL
    AND c.fetched_at >= c.counted_at + INTERVAL '1' HOUR
GROUP BY c.location_id, c.sku, c.counted_at, c.fetched_at, c.batch_id, c.means, c.quantity
HAVING sum(CASE
        WHEN m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END) <> sum(CASE
        WHEN m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END)
