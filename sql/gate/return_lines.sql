-- Grain: one row a return line candidate, with the first test it failed (`fault`).
-- Keys: page, record, return_id, line_id. Guarantee: every candidate comes out once.
SELECT
    page,
    record,
    coalesce(
        missing('return_lines.line_id', line_id),
        CASE WHEN return_id IS NULL OR (page, record, return_id) NOT IN (
                 SELECT page, record, return_id FROM gated_returns WHERE return_id IS NOT NULL)
             THEN 'return_lines: a line without its return; send them together' END,
        CASE WHEN (page, record, return_id, line_id) IN (
                 SELECT page, record, return_id, line_id FROM candidate_return_lines
                 WHERE return_id IS NOT NULL AND line_id IS NOT NULL
                 GROUP BY page, record, return_id, line_id HAVING count(*) > 1)
             THEN 'return_lines.line_id: two lines of one return have the same; add them up' END,
        missing('return_lines.quantity', quantity),
        units_fault('return_lines.quantity', quantity, whole(quantity))
    ) AS fault,
    return_id,
    line_id,
    sku,
    whole(quantity) AS quantity,
    coalesce(c.reason_code, m.reason_code) AS reason_code,
    c.reason_raw,
    reason_text
FROM candidate_return_lines AS c
LEFT JOIN reason_map AS m ON m.reason_raw = c.reason_raw
