-- The line of each refund inside Mirakl orders.
-- Grain: one row a refund. Keys: page, record, refund_id. Guarantee: a refund is of one line.
--
-- Decisions: the amount is that of the goods, without shipping. Mirakl does not tell whether
-- units came back.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.o.order_id AS order_id,
    r.id AS refund_id,
    l.id AS line_id,
    coalesce(r.quantity, '0') AS quantity,
    r.line_amount AS amount,
    'unknown' AS restock
FROM shaped AS s
CROSS JOIN batch_info AS i
CROSS JOIN unnest(s.lines) AS u (l)
CROSS JOIN unnest(l.refunds) AS v (r)
