-- Returns that batches merged since $since brought, and those that something of tmp_returned came
-- back of. Grain: return_id.
SELECT a.return_id, a.order_id, a.status, a.announced_at
FROM batches b
JOIN returns a ON a.batch_id = b.batch_id
WHERE b.merged_at >= $since
UNION
SELECT a.return_id, a.order_id, a.status, a.announced_at
FROM tmp_returned c
JOIN return_receipts r ON r.receipt_id = c.receipt_id AND r.line_no = c.line_no
JOIN returns a ON a.return_id = r.return_id
