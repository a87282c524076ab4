-- Refunds inside Mirakl orders.
-- Grain: one row a refund of a line. Keys: page, record, refund_id. Guarantee: each refund
-- gives one row, from the day it is decided.
--
-- Decisions: the amount is goods and shipping, with their taxes where prices are without;
-- the reason is the operator's code (its labels are in RE01). Refunds share their order's
-- version.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.order_id AS order_id,
    s.r.id AS refund_id,
    s.r.amount AS amount,
    upper(trim(s.currency)) AS currency,
    s.r.reason AS reason_text,
    s.r.refunded_at AS refunded_at,
    s.updated_at
FROM (
    SELECT
        page,
        record,
        o.order_id AS order_id,
        o.currency_iso_code AS currency,
        coalesce(o.last_updated_date, o.created_date) AS updated_at,
        unnest(refunds) AS r
    FROM shaped
) AS s CROSS JOIN batch_info AS i
