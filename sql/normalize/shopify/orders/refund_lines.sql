-- Lines of refunds inside Shopify orders.
-- Grain: one row a refund and order line. Keys: page, record, refund_id, line_id. Guarantee:
-- units of one line given back in several rows of one refund are added up.
--
-- Decisions: the amount is the subtotal, in the order's tax mode; LEGACY_RESTOCK does not
-- tell whether the goods came back.
WITH lines AS (
    SELECT
        s.page,
        s.record,
        i.channel_id || '/' || s.external_id AS order_id,
        split_part(s.r.id, '/', -1) AS refund_id,
        unnest(coalesce(
            json_transform(
                coalesce(json_extract(s.r.refundLineItems, '$.nodes'), s.r.refundLineItems),
                '[{
                    "quantity": "VARCHAR", "restockType": "VARCHAR",
                    "lineItem": {"id": "VARCHAR"},
                    "subtotalSet": {"shopMoney": {"amount": "VARCHAR"}}
                }]'
            ).list_transform(lambda l: {
                line_id: split_part(l.lineItem.id, '/', -1), quantity: l.quantity,
                restock: l.restockType, amount: l.subtotalSet.shopMoney.amount
            }),
            list_transform(s.r.refund_line_items, lambda l: {
                line_id: l.line_item_id, quantity: l.quantity,
                restock: l.restock_type, amount: l.subtotal
            })
        )) AS l
    FROM (SELECT page, record, external_id, unnest(refunds) AS r FROM shaped) AS s
    CROSS JOIN batch_info AS i
)

SELECT
    page,
    record,
    order_id,
    refund_id,
    l.line_id AS line_id,
    CASE
        WHEN count(*) > count(try_cast(l.quantity AS DECIMAL(18, 3))) THEN NULL
        WHEN min(try_cast(l.quantity AS DECIMAL(18, 3))) < 0
            THEN min(try_cast(l.quantity AS DECIMAL(18, 3)))
        ELSE sum(try_cast(l.quantity AS DECIMAL(18, 3)))
    END AS quantity,
    sum(try_cast(l.amount AS DECIMAL(18, 4))) AS amount,
    CASE
        WHEN count(DISTINCT upper(l.restock)) <> 1 THEN 'unknown'
        WHEN min(upper(l.restock)) IN ('RETURN', 'CANCEL', 'NO_RESTOCK')
            THEN lower(min(l.restock))
        ELSE 'unknown'
    END AS restock
FROM lines
GROUP BY page, record, order_id, refund_id, l.line_id
