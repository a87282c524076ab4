-- What docks wrote of the goods of the orders of tmp_erased. Grain: receipt line.
UPDATE return_receipts
SET reason_text = NULL
WHERE reason_text IS NOT NULL AND order_id IN (SELECT e.order_id FROM tmp_erased e)
