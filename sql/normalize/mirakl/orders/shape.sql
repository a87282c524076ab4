-- Mirakl orders (OR11), parsed once, with what several tables need worked out.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null; scalars are the text the marketplace sent.
--
-- Decisions:
--   * TAX_EXCLUDED orders state every price without tax, and taxes beside it. Amounts of
--     lines stay in the order's mode; totals of the order, refunds and cancelations count
--     what the customer pays, so there the taxes are added.
--   * `price` and `quantity` of a line stay as sold: cancelations and refunds stand beside.
--   * A cancelation's or refund's quantity is informative (money comes first), and 0 where
--     the marketplace did not say. A line that is canceled or refused as a whole, or
--     refunded without having shipped, has nothing to ship whatever these say.
--   * A refund counts from the day it is decided, paid out or not: the seller owes it.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
        "order_id": "VARCHAR", "commercial_id": "VARCHAR",
        "order_state": "VARCHAR", "order_tax_mode": "VARCHAR",
        "created_date": "VARCHAR", "last_updated_date": "VARCHAR",
        "customer_debited_date": "VARCHAR", "shipping_deadline": "VARCHAR",
        "delivery_date": {"latest": "VARCHAR"},
        "currency_iso_code": "VARCHAR", "fully_refunded": "VARCHAR",
        "total_price": "VARCHAR", "shipping_price": "VARCHAR",
        "payment_workflow": "VARCHAR", "shipping_type_code": "VARCHAR",
        "shipping_pudo_id": "VARCHAR", "customer_notification_email": "VARCHAR",
        "promotions": {"total_deduced_amount": "VARCHAR"},
        "order_additional_fields": [{"code": "VARCHAR", "value": "VARCHAR"}],
        "customer": {
            "firstname": "VARCHAR", "lastname": "VARCHAR", "locale": "VARCHAR",
            "shipping_address": {
                "firstname": "VARCHAR", "lastname": "VARCHAR", "company": "VARCHAR",
                "company_2": "VARCHAR", "street_1": "VARCHAR", "street_2": "VARCHAR",
                "additional_info": "VARCHAR", "zip_code": "VARCHAR", "city": "VARCHAR",
                "state": "VARCHAR", "country": "VARCHAR", "country_iso_code": "VARCHAR",
                "phone": "VARCHAR", "phone_secondary": "VARCHAR"
            }
        },
        "order_lines": [{
            "order_line_id": "VARCHAR", "offer_sku": "VARCHAR", "product_title": "VARCHAR",
            "order_line_state": "VARCHAR", "quantity": "VARCHAR", "shipped_date": "VARCHAR",
            "received_date": "VARCHAR",
            "price": "VARCHAR", "price_unit": "VARCHAR",
            "taxes": [{"amount": "VARCHAR"}], "shipping_taxes": [{"amount": "VARCHAR"}],
            "cancelations": [{
                "id": "VARCHAR", "quantity": "VARCHAR",
                "amount": "VARCHAR", "shipping_amount": "VARCHAR",
                "taxes": [{"amount": "VARCHAR"}], "shipping_taxes": [{"amount": "VARCHAR"}]
            }],
            "refunds": [{
                "id": "VARCHAR", "quantity": "VARCHAR", "created_date": "VARCHAR",
                "transaction_date": "VARCHAR", "reason_code": "VARCHAR",
                "state": "VARCHAR", "refund_state": "VARCHAR",
                "amount": "VARCHAR", "shipping_amount": "VARCHAR",
                "taxes": [{"amount": "VARCHAR"}], "shipping_taxes": [{"amount": "VARCHAR"}]
            }]
        }]
    }') AS o
    FROM records
),

-- a lambda copies what it captures for each line: a flag, not the order
moded AS (
    SELECT
        *,
        o.order_tax_mode = 'TAX_EXCLUDED' AS tax_excluded,
        coalesce(o.order_state IN ('SHIPPED', 'TO_COLLECT', 'RECEIVED', 'CLOSED'), false)
            AS has_shipped
    FROM parsed
),

lined AS (
    SELECT
        page,
        record,
        o,
        tax_excluded,
        list_transform(o.order_lines, lambda l: {
            id: l.order_line_id,
            sku: nullif(l.offer_sku, ''),
            title: l.product_title,
            state: l.order_line_state,
            quantity: l.quantity,
            ordered: try_cast(l.quantity AS DECIMAL(18, 3)),
            price: l.price,
            price_unit: l.price_unit,
            tax: list_sum(list_transform(
                l.taxes, lambda t: try_cast(t.amount AS DECIMAL(18, 4)))),
            shipping_tax: list_sum(list_transform(
                l.shipping_taxes, lambda t: try_cast(t.amount AS DECIMAL(18, 4)))),
            shipped: l.order_line_state IN ('SHIPPED', 'TO_COLLECT', 'RECEIVED', 'CLOSED')
                OR (l.order_line_state IN ('INCIDENT_OPEN', 'REFUNDED', 'WAITING_REFUND',
                    'WAITING_REFUND_PAYMENT')
                    AND coalesce(l.shipped_date, l.received_date) IS NOT NULL)
                OR (l.order_line_state = 'INCIDENT_OPEN' AND has_shipped),
            canceled: l.order_line_state IN ('CANCELED', 'REFUSED')
                OR (l.order_line_state IN ('REFUNDED', 'WAITING_REFUND',
                    'WAITING_REFUND_PAYMENT')
                    AND coalesce(l.shipped_date, l.received_date) IS NULL),
            canceled_units: coalesce(list_sum(list_transform(
                l.cancelations, lambda c: try_cast(c.quantity AS DECIMAL(18, 3)))), 0),
            canceled_amount: coalesce(list_sum(list_transform(l.cancelations, lambda c:
                coalesce(try_cast(c.amount AS DECIMAL(18, 4)), 0)
                + coalesce(try_cast(c.shipping_amount AS DECIMAL(18, 4)), 0)
                + CASE WHEN tax_excluded THEN
                    coalesce(list_sum(list_transform(list_concat(c.taxes, c.shipping_taxes),
                        lambda t: try_cast(t.amount AS DECIMAL(18, 4)))), 0)
                ELSE 0 END)), 0),
            refunds: list_transform(l.refunds, lambda r: {
                id: r.id,
                quantity: r.quantity,
                state: coalesce(r.refund_state, r.state),
                reason: r.reason_code,
                refunded_at: coalesce(r.transaction_date, r.created_date),
                line_amount: coalesce(try_cast(r.amount AS DECIMAL(18, 4)), 0)
                    + CASE WHEN tax_excluded THEN
                        coalesce(list_sum(list_transform(r.taxes,
                            lambda t: try_cast(t.amount AS DECIMAL(18, 4)))), 0)
                    ELSE 0 END,
                amount: coalesce(try_cast(r.amount AS DECIMAL(18, 4)), 0)
                    + coalesce(try_cast(r.shipping_amount AS DECIMAL(18, 4)), 0)
                    + CASE WHEN tax_excluded THEN
                        coalesce(list_sum(list_transform(
                            list_concat(r.taxes, r.shipping_taxes),
                            lambda t: try_cast(t.amount AS DECIMAL(18, 4)))), 0)
                    ELSE 0 END
            })
        }) AS lines
    FROM moded
)

SELECT
    page,
    record,
    o,
    lines,
    tax_excluded,
    len(list_filter(
        flatten(list_transform(o.order_lines, lambda l: list_concat(
            list_transform(l.cancelations, lambda c: [
                c.amount, c.shipping_amount, c.quantity
            ]),
            list_transform(l.refunds, lambda r: [r.amount, r.shipping_amount, r.quantity])
        ))),
        lambda told: len(list_filter(told, lambda x:
            x <> '' AND try_cast(x AS DECIMAL(18, 4)) IS NULL)) > 0
    )) > 0 AS unreadable,
    coalesce(list_sum(list_transform(lines, lambda l:
        coalesce(l.tax, 0) + coalesce(l.shipping_tax, 0))), 0) AS tax,
    coalesce(list_sum(list_transform(lines, lambda l: l.canceled_amount)), 0) AS canceled_amount,
    flatten(list_transform(lines, lambda l: l.refunds)) AS refunds
FROM lined
