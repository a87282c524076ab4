-- What was written of return lines of the orders of tmp_erased. Grain: line. Codes stay.
UPDATE return_lines
SET reason_text = NULL
WHERE reason_text IS NOT NULL AND return_id IN (
    SELECT r.return_id FROM returns r JOIN tmp_erased e ON e.order_id = r.order_id
)
