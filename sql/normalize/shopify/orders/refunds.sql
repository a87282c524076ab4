-- Refunds inside Shopify orders.
-- Grain: one row a refund. Keys: page, record, refund_id. Guarantee: each refund gives one
-- row, of money or only of goods (amount 0).
--
-- Decisions:
--   * The amount is `totalRefundedSet`; REST has transactions instead: the successful ones
--     of kind refund count, and where one is not in shop money the amount is unknown (null).
--     Never the sum of the lines: fees and exchanges are netted in it.
--   * Refunds share their order's version.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    split_part(s.r.id, '/', -1) AS refund_id,
    coalesce(
        s.r.totalRefundedSet.shopMoney.amount,
        CASE
            WHEN s.r.transactions IS NULL THEN NULL
            WHEN len(list_filter(
                s.r.transactions, lambda t: upper(t.currency) IS DISTINCT FROM s.currency
            )) > 0 THEN NULL
            ELSE CAST(coalesce(list_sum(list_transform(
                list_filter(
                    s.r.transactions, lambda t: t.kind = 'refund' AND t.status = 'success'
                ),
                lambda t: try_cast(t.amount AS DECIMAL(18, 4))
            )), 0) AS VARCHAR)
        END
    ) AS amount,
    s.currency,
    nullif(trim(s.r.note), '') AS reason_text,
    coalesce(s.r.createdAt, s.r.created_at) AS refunded_at,
    s.updated_at
FROM (
    SELECT page, record, external_id, currency, updated_at, unnest(refunds) AS r FROM shaped
) AS s CROSS JOIN batch_info AS i
