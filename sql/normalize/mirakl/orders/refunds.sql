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
    i.channel_id || '/' || s.o.order_id AS order_id,
    r.id AS refund_id,
    r.amount AS amount,
    upper(trim(s.o.currency_iso_code)) AS currency,
    r.reason AS reason_text,
    r.refunded_at AS refunded_at,
    coalesce(s.o.last_updated_date, s.o.created_date) AS updated_at
FROM shaped AS s CROSS JOIN batch_info AS i CROSS JOIN unnest(s.refunds) AS u (r)
