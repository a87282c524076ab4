-- Goods of tmp_cases that came back twice by their papers: receipts of one quantity of one order
-- or return (or of one moment, where none is named) under different numbers, in the two weeks
-- before the count. Grain: (location, sku, counted_at, what they are about, quantity); `units` are
-- what was told too often. Reads receipts since $since.
SELECT c.location_id, c.sku, c.counted_at, CAST(r.quantity * (count(*) - 1) AS bigint) AS units,
    string_agg(r.receipt_id || '/' || r.line_no, ', ' ORDER BY r.receipt_id, r.line_no)
        AS evidence,
    max(r.received_at) AS events_at
FROM tmp_cases c
JOIN return_receipts r ON r.location_id = c.location_id AND r.sku = c.sku
    AND r.received_at <= c.counted_at AND r.received_at > c.counted_at - INTERVAL '14' DAY
WHERE c.missing > 0 AND r.received_at > $since AND r.disposition = 'restock'
GROUP BY c.location_id, c.sku, c.counted_at, r.quantity,
    coalesce(r.order_id, r.return_id, r.told_rma, r.told_order, CAST(r.received_at AS text))
HAVING count(*) > 1
