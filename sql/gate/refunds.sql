-- Grain: one row a refund candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id, refund_id. Guarantee: every candidate comes out once.
SELECT
    page,
    record,
    nullif(order_id, '') || '/' || nullif(refund_id, '') AS record_key,
    coalesce(
        refusal,
        missing('order_id', order_id),
        missing('refund_id', refund_id),
        CASE WHEN (page, record, order_id, refund_id) IN (
                 SELECT page, record, order_id, refund_id FROM candidate_refunds
                 WHERE order_id IS NOT NULL AND refund_id IS NOT NULL
                 GROUP BY page, record, order_id, refund_id HAVING count(*) > 1)
             THEN 'refund_id: two refunds of one order have the same; number them apart' END,
        missing('refunded_at', refunded_at),
        moment_fault('refunded_at', refunded_at, b.fetched_at + INTERVAL 1 DAY),
        moment_fault('updated_at', c.updated_at, b.fetched_at + INTERVAL 1 DAY),
        currency_fault('currency', coalesce(c.currency, b.currency)),
        positive_amount_fault('amount', c.amount),
        CASE WHEN source_version IS NOT NULL AND whole(source_version) IS NULL
             THEN 'source_version: not a whole number; mend it' END
    ) AS fault,
    order_id,
    refund_id,
    amount(c.amount) AS amount,
    upper(coalesce(c.currency, b.currency)) AS currency,
    reason_text,
    moment(refunded_at) AS refunded_at,
    coalesce(
        whole(source_version), epoch_us(coalesce(moment(c.updated_at), moment(refunded_at)))
    ) AS source_version,
    b.fetched_at,
    h.record_hash,
    b.batch_id
FROM candidate_refunds AS c
CROSS JOIN batch_info AS b
JOIN hashes AS h USING (page, record)
