-- Grain: one row an order line candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id, line_id. Guarantee: every candidate comes out once.
WITH typed AS (
    SELECT
        c.*,
        upper(coalesce(c.currency, b.currency)) AS money,
        whole(c.ordered_quantity) AS ordered,
        whole(c.canceled_quantity) AS canceled,
        whole(c.shipped_quantity) AS shipped,
        amount(c.unit_price) AS price,
        amount(c.line_amount) AS line_total,
        amount(c.tax_amount) AS tax,
        try_cast(c.requires_shipping AS BOOLEAN) AS ships
    FROM candidate_order_lines AS c
    CROSS JOIN batch_info AS b
)

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
        units_fault('order_lines.ordered_quantity', ordered_quantity, ordered),
        units_fault('order_lines.canceled_quantity', canceled_quantity, canceled),
        units_fault('order_lines.shipped_quantity', shipped_quantity, shipped),
        CASE WHEN canceled > ordered
             THEN 'order_lines.canceled_quantity: more than was ordered; mend one of them' END,
        amount_fault('order_lines.unit_price', unit_price, price),
        amount_fault('order_lines.line_amount', line_amount, line_total),
        amount_fault('order_lines.tax_amount', tax_amount, tax),
        currency_fault('order_lines.currency', money),
        flag_fault('order_lines.requires_shipping', requires_shipping, ships)
    ) AS fault,
    order_id,
    line_id,
    nullif(channel_sku, '') AS channel_sku,
    CAST(NULL AS VARCHAR) AS sku,
    CAST(1 AS BIGINT) AS units_per,
    title,
    ordered AS ordered_quantity,
    coalesce(canceled, 0) AS canceled_quantity,
    coalesce(shipped, 0) AS shipped_quantity,
    price AS unit_price,
    line_total AS line_amount,
    tax AS tax_amount,
    money AS currency,
    ships AS requires_shipping,
    keep_together,
    location_id
FROM typed
