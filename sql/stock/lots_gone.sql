-- Units that left a location between its count and the time a lot stopped being sellable, of
-- tmp_lots: shipped, sold over the counter, or not found.
-- Grain: (location, sku, sellable_until). Reads movements since $since, the oldest such count.
SELECT t.location_id, t.sku, t.sellable_until,
    CAST(sum(CASE
        WHEN m.from_account IN (t.location_id || '/sellable', t.location_id || '/allocated')
            THEN m.quantity
        ELSE -m.quantity
    END) AS bigint) AS units
FROM tmp_lots t
JOIN stock_movements m
    ON m.sku = t.sku AND m.valid_at > t.counted_at AND m.valid_at < t.sellable_until
WHERE m.valid_at > $since AND m.cause IN ('shipment', 'sale', 'short_pick')
    AND (m.from_account IN (t.location_id || '/sellable', t.location_id || '/allocated')
        OR m.to_account IN (t.location_id || '/sellable', t.location_id || '/allocated'))
GROUP BY t.location_id, t.sku, t.sellable_until
