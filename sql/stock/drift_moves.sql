-- What moved on the shelves of tmp_cases in the day before they were counted, as the ledger has it.
-- Grain: (location, sku, counted_at, valid_at). A count that lacks the last of it was taken
-- earlier than it says. Reads movements valid since $since.
SELECT c.location_id, c.sku, c.counted_at, m.valid_at,
    CAST(sum(CASE
        WHEN m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END) - sum(CASE
        WHEN m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
        THEN m.quantity ELSE 0
    END) AS bigint) AS units
FROM tmp_cases c
JOIN stock_movements m ON m.sku = c.sku AND m.cause <> 'count'
    AND m.valid_at <= c.counted_at AND m.valid_at > c.counted_at - INTERVAL '1' DAY
WHERE m.valid_at > $since
GROUP BY c.location_id, c.sku, c.counted_at, m.valid_at
