-- WooCommerce refunds to canonical refunds.
-- Grain: one row a record. Keys: order_id, refund_id. Guarantee: each record gives one row.
-- `amount` is the shop's own total and may differ from its lines. A refund never changes,
-- so its creation is its version.
SELECT
    s.page,
    s.record,
    CASE WHEN s.refund.amount IS NULL THEN 'not a refund: amount is missing' END AS refusal,
    i.channel_id || '/' || s.order_number AS order_id,
    s.refund.id AS refund_id,
    coalesce(CAST(abs(try_cast(s.refund.amount AS DECIMAL(18, 4))) AS VARCHAR), s.refund.amount)
        AS amount,
    s.currency,
    nullif(trim(s.refund.reason), '') AS reason_text,
    s.refunded_at
FROM shaped AS s CROSS JOIN batch_info AS i
