-- Receipts over a counter of the returns in tmp_moved, with the order they belong to now.
-- Grain and key: (receipt_id, line_no).
SELECT c.*, m.order_id AS now_order_id
FROM tmp_moved m
JOIN return_receipts c ON c.return_id = m.return_id
WHERE c.told_rma IS NULL AND c.told_order IS NULL AND c.order_id IS DISTINCT FROM m.order_id
ORDER BY c.receipt_id, c.line_no
