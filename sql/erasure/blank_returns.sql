-- What was written of the returns of the orders of tmp_erased. Grain: return. Codes stay.
UPDATE returns
SET reason_text = NULL
WHERE reason_text IS NOT NULL AND order_id IN (SELECT e.order_id FROM tmp_erased e)
