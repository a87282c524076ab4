-- Grain: one row a refund line candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id, refund_id, line_id. Guarantee: every candidate comes out once.
WITH typed AS (
    SELECT c.*, whole(c.quantity) AS units, amount(c.amount) AS money
    FROM candidate_refund_lines AS c
)

SELECT
    page,
    record,
    coalesce(
        missing('refund_lines.line_id', line_id),
        CASE WHEN order_id IS NULL OR refund_id IS NULL
                  OR (page, record, order_id, refund_id) NOT IN (
                      SELECT page, record, order_id, refund_id FROM gated_refunds
                      WHERE order_id IS NOT NULL AND refund_id IS NOT NULL)
             THEN 'refund_lines: a line without its refund; send them together' END,
        CASE WHEN (page, record, order_id, refund_id, line_id) IN (
                 SELECT page, record, order_id, refund_id, line_id FROM candidate_refund_lines
                 WHERE order_id IS NOT NULL AND refund_id IS NOT NULL AND line_id IS NOT NULL
                 GROUP BY page, record, order_id, refund_id, line_id HAVING count(*) > 1)
             THEN 'refund_lines.line_id: two lines of one refund have the same; add them up' END,
        missing('refund_lines.quantity', quantity),
        units_fault('refund_lines.quantity', quantity, units),
        positive_amount_fault('refund_lines.amount', amount, money),
        word_fault('refund_lines.restock', restock, ['return', 'cancel', 'no_restock', 'unknown'])
    ) AS fault,
    order_id,
    refund_id,
    line_id,
    units AS quantity,
    money AS amount,
    restock
FROM typed
