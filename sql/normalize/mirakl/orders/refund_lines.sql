-- The line of each refund inside Mirakl orders.
-- Grain: one row a refund. Keys: page, record, refund_id. Guarantee: a refund is of one line.
--
-- Decisions: the amount is that of the goods, without shipping. Mirakl does not tell whether
-- units came back.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.order_id AS order_id,
    s.r.id AS refund_id,
    s.line_id,
    coalesce(s.r.quantity, '0') AS quantity,
    s.r.line_amount AS amount,
    'unknown' AS restock
FROM (
    SELECT page, record, order_id, l.id AS line_id, unnest(l.refunds) AS r
    FROM (SELECT page, record, o.order_id AS order_id, unnest(lines) AS l FROM shaped)
) AS s CROSS JOIN batch_info AS i
