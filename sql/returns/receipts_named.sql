-- Receipts that one of the words of tmp_words concerns: an order, its number, a return, its RMA.
-- Grain and key: (receipt_id, line_no).
SELECT c.receipt_id, c.line_no, c.location_id, c.told_rma AS rma, c.told_order AS order_number,
    c.sku, c.return_id, c.order_id
FROM return_receipts c
WHERE c.order_id IN (SELECT word FROM tmp_words)
    OR c.return_id IN (SELECT word FROM tmp_words)
    OR c.told_rma IN (SELECT word FROM tmp_words)
    OR c.told_order IN (SELECT word FROM tmp_words)
ORDER BY c.receipt_id, c.line_no
