-- Receipts of the orders in tmp_erased. Grain and key: receipt_id.
SELECT DISTINCT c.receipt_id
FROM tmp_erased e
JOIN return_receipts c ON c.order_id = e.order_id
ORDER BY c.receipt_id
