-- Receipts by the ids in tmp_words. Grain and key: (receipt_id, line_no).
SELECT c.* FROM return_receipts c
WHERE c.receipt_id IN (SELECT word FROM tmp_words)
ORDER BY c.receipt_id, c.line_no
