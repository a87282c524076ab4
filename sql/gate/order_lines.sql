-- Grain: one row an order line candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id, line_id. Guarantee: every candidate comes out once.
SELECT
    page,
    record,
    coalesce(
        missing('order_lines.order_id', order_id),
        missing('order_lines.line_id', line_id),
        CASE WHEN (page, record, order_id) NOT IN (
                 SELECT page, record, order_id FROM gated_orders WHERE order_id IS NOT NULL)
             THEN 'order_lines: a line of another order than the record''s; send it with its order'
        END,
        CASE WHEN (page, record, order_id, line_id) IN (
                 SELECT page, record, order_id, line_id FROM candidate_order_lines
                 WHERE order_id IS NOT NULL AND line_id IS NOT NULL
                 GROUP BY page, record, order_id, line_id HAVING count(*) > 1)
             THEN 'order_lines.line_id: two lines of one order have the same; number them apart' END,
        missing('order_lines.ordered_quantity', ordered_quantity),
        units_fault('order_lines.ordered_quantity', ordered_quantity),
        units_fault('order_lines.canceled_quantity', canceled_quantity),
        units_fault('order_lines.shipped_quantity', shipped_quantity),
        CASE WHEN whole(canceled_quantity) > whole(ordered_quantity)
             THEN 'order_lines.canceled_quantity: more than was ordered; mend one of them' END,
        amount_fault('order_lines.unit_price', unit_price),
        amount_fault('order_lines.line_amount', line_amount),
        amount_fault('order_lines.tax_amount', tax_amount),
        currency_fault('order_lines.currency', coalesce(c.currency, b.currency)),
        flag_fault('order_lines.requires_shipping', requires_shipping)
    ) AS fault,
    order_id,
    line_id,
    nullif(channel_sku, '') AS channel_sku,
    CAST(NULL AS VARCHAR) AS sku,
    CAST(1 AS BIGINT) AS units_per,
    title,
    whole(ordered_quantity) AS ordered_quantity,
    coalesce(whole(canceled_quantity), 0) AS canceled_quantity,
    coalesce(whole(shipped_quantity), 0) AS shipped_quantity,
    amount(unit_price) AS unit_price,
    amount(line_amount) AS line_amount,
    amount(tax_amount) AS tax_amount,
    upper(coalesce(c.currency, b.currency)) AS currency,
    try_cast(requires_shipping AS BOOLEAN) AS requires_shipping,
    keep_together,
    location_id
FROM candidate_order_lines AS c
CROSS JOIN batch_info AS b
