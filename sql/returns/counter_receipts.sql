-- Goods that a channel took back over the counter of one of our locations, as receipts.
-- Grain and key: (receipt_id, line_no). A return counts when it came in batch $batch_id, is
-- received, and tmp_counters names its channel and location. SKU units; lines whose SKU is
-- unknown are left out. Lines of another channel's order are found by SKU afterwards.
WITH lines AS (
    SELECT r.return_id, r.order_id, r.location_id, l.line_id, coalesce(l.sku, o.sku) AS sku,
        l.quantity * coalesce(o.units_per, 1) AS quantity,
        coalesce(l.reason_text, r.reason_text) AS reason_text, r.announced_at,
        r.source_version, r.fetched_at, r.record_hash, r.batch_id,
        row_number() OVER (PARTITION BY r.return_id ORDER BY l.line_id) AS line_no
    FROM returns r
    JOIN tmp_counters t ON t.channel_id = r.source AND t.location_id = r.location_id
    JOIN return_lines l ON l.return_id = r.return_id
    LEFT JOIN order_lines o ON o.order_id = r.order_id AND o.line_id = l.line_id
        AND r.other_channel IS NOT TRUE
    WHERE r.batch_id = $batch_id AND r.status = 'received'
)
SELECT location_id || '/' || return_id AS receipt_id, CAST(line_no AS integer) AS line_no,
    return_id, order_id, CAST(NULL AS text) AS line_id, line_id AS told_line_id, location_id, sku, quantity,
    reason_text, announced_at AS received_at, source_version, fetched_at, record_hash, batch_id
FROM lines
WHERE sku IS NOT NULL AND quantity > 0
ORDER BY receipt_id, line_no
