-- Grain: one row a refund candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id, refund_id. Guarantee: every candidate comes out once.
WITH typed AS (
    SELECT
        c.*,
        b.batch_id AS batch,
        b.fetched_at AS fetched,
        upper(coalesce(c.currency, b.currency)) AS coin,
        amount(c.amount) AS money,
        moment(c.refunded_at) AS refunded,
        moment(c.updated_at) AS updated,
        whole(c.source_version) AS version
    FROM candidate_refunds AS c
    CROSS JOIN batch_info AS b
)

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
        moment_fault('refunded_at', refunded_at, refunded, fetched + INTERVAL 1 DAY),
        moment_fault('updated_at', updated_at, updated, fetched + INTERVAL 1 DAY),
        currency_fault('currency', coin),
        positive_amount_fault('amount', amount, money),
        CASE WHEN source_version IS NOT NULL AND version IS NULL
             THEN 'source_version: not a whole number; mend it' END
    ) AS fault,
    order_id,
    refund_id,
    money AS amount,
    coin AS currency,
    reason_text,
    refunded AS refunded_at,
    coalesce(version, epoch_us(coalesce(updated, refunded))) AS source_version,
    fetched AS fetched_at,
    h.record_hash,
    batch AS batch_id
FROM typed
JOIN hashes AS h USING (page, record)
