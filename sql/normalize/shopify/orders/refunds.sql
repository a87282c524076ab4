-- Refunds inside Shopify orders.
-- Grain: one row a refund. Keys: page, record, refund_id. Guarantee: each refund gives one
-- row, of money or only of goods (amount 0).
--
-- Decisions:
--   * The amount is as worked out in shape.sql, never the sum of the lines: fees and
--     exchanges are netted in it.
--   * Refunds share their order's version.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    split_part(s.r.id, '/', -1) AS refund_id,
    coalesce(s.r.totalRefundedSet.shopMoney.amount, CAST(s.r.given AS VARCHAR)) AS amount,
    s.currency,
    nullif(trim(s.r.note), '') AS reason_text,
    coalesce(s.r.createdAt, s.r.created_at) AS refunded_at,
    s.updated_at
FROM (
    SELECT page, record, external_id, currency, updated_at, unnest(refunds) AS r FROM shaped
) AS s CROSS JOIN batch_info AS i
