-- What came back by receipts, or for orders or returns, that batches merged since $since brought.
-- Grain: (receipt_id, line_no). What is done with goods hangs on whether their order held them:
-- they are looked at again with it.
WITH merged AS (
    SELECT batch_id FROM batches WHERE merged_at >= $since
)
SELECT r.receipt_id, r.line_no, r.order_id, r.sku, r.disposition, r.location_id, r.quantity,
    r.received_at
FROM merged b
JOIN return_receipts r ON r.batch_id = b.batch_id
UNION
SELECT r.receipt_id, r.line_no, r.order_id, r.sku, r.disposition, r.location_id, r.quantity,
    r.received_at
FROM merged b
JOIN orders o ON o.batch_id = b.batch_id
JOIN return_receipts r ON r.order_id = o.order_id
UNION
SELECT r.receipt_id, r.line_no, r.order_id, r.sku, r.disposition, r.location_id, r.quantity,
    r.received_at
FROM merged b
JOIN returns a ON a.batch_id = b.batch_id
JOIN return_receipts r ON r.return_id = a.return_id
