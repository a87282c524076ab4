-- Shopify orders of every form the API gives them in, parsed once.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null; scalars are the text the shop sent; ids are the numbers at their end.
--
-- Three forms are one here: GraphQL pages (connections are {nodes}), GraphQL bulk files
-- (connections are lists), REST (snake case). Amounts are shop money throughout: what the
-- customer saw (presentment money) is another currency's view of the same order.
--
-- Units of a line, whose `quantity` stays as ordered for ever:
--   * current: what was not removed. It falls when units are edited out, canceled, or
--     returned, before or after they were shipped.
--     Old REST answers do not tell it: it is then the ordered units less the refunded.
--   * to_ship: what can still be shipped.
--   * shipped: what fulfillments hold that were not canceled and did not fail; those under
--     way count, somebody ships them. A returned unit stays shipped.
--   * So units that are neither shipped nor to be shipped were taken out before shipping,
--     and never more than current has lost. A unit returned after shipping is not one.
WITH cut AS (
    SELECT page, record, body, json_extract(body, [
        '$.lineItems.nodes', '$.lineItems', '$.line_items',
        '$.fulfillmentOrders.nodes', '$.fulfillmentOrders', '$.shippingLine',
        '$.shippingLines.nodes[0]', '$.shipping_lines[0]'
    ]) AS part
    FROM records
),

parsed AS (
    SELECT
        page,
        record,
        json_transform(body, '{
            "id": "VARCHAR", "name": "VARCHAR",
            "createdAt": "VARCHAR", "created_at": "VARCHAR",
            "processedAt": "VARCHAR", "processed_at": "VARCHAR",
            "updatedAt": "VARCHAR", "updated_at": "VARCHAR",
            "closedAt": "VARCHAR", "closed_at": "VARCHAR",
            "cancelledAt": "VARCHAR", "cancelled_at": "VARCHAR",
            "test": "VARCHAR", "confirmed": "VARCHAR",
            "sourceName": "VARCHAR", "source_name": "VARCHAR",
            "currencyCode": "VARCHAR", "currency": "VARCHAR",
            "taxesIncluded": "VARCHAR", "taxes_included": "VARCHAR",
            "customerLocale": "VARCHAR", "customer_locale": "VARCHAR",
            "displayFinancialStatus": "VARCHAR", "financial_status": "VARCHAR",
            "displayFulfillmentStatus": "VARCHAR", "fulfillment_status": "VARCHAR",
            "email": "VARCHAR", "contact_email": "VARCHAR", "phone": "VARCHAR",
            "customAttributes": [{"key": "VARCHAR", "value": "VARCHAR"}],
            "note_attributes": [{"name": "VARCHAR", "value": "VARCHAR"}],
            "retailLocation": {"id": "VARCHAR"}, "location_id": "VARCHAR",
            "shippingAddress": {
                "name": "VARCHAR", "company": "VARCHAR", "address1": "VARCHAR",
                "address2": "VARCHAR", "zip": "VARCHAR", "city": "VARCHAR",
                "provinceCode": "VARCHAR", "countryCodeV2": "VARCHAR", "phone": "VARCHAR",
                "latitude": "VARCHAR", "longitude": "VARCHAR"
            },
            "shipping_address": {
                "name": "VARCHAR", "company": "VARCHAR", "address1": "VARCHAR",
                "address2": "VARCHAR", "zip": "VARCHAR", "city": "VARCHAR",
                "province_code": "VARCHAR", "country_code": "VARCHAR", "phone": "VARCHAR",
                "latitude": "VARCHAR", "longitude": "VARCHAR"
            },
            "totalPriceSet": {"shopMoney": {"amount": "VARCHAR"}}, "total_price": "VARCHAR",
            "currentTotalPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
            "current_total_price": "VARCHAR",
            "totalTaxSet": {"shopMoney": {"amount": "VARCHAR"}}, "total_tax": "VARCHAR",
            "totalShippingPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
            "total_shipping_price_set": {"shop_money": {"amount": "VARCHAR"}},
            "totalDiscountsSet": {"shopMoney": {"amount": "VARCHAR"}},
            "total_discounts": "VARCHAR",
            "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR"}},
            "fulfillments": [{
                "status": "VARCHAR",
                "fulfillmentLineItems": {
                    "nodes": [{"quantity": "VARCHAR", "lineItem": {"id": "VARCHAR"}}]
                },
                "line_items": [{"quantity": "VARCHAR", "id": "VARCHAR"}]
            }],
            "refunds": [{
                "id": "VARCHAR", "note": "VARCHAR",
                "createdAt": "VARCHAR", "created_at": "VARCHAR",
                "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR"}},
                "refundLineItems": "JSON",
                "refund_line_items": [{
                    "line_item_id": "VARCHAR", "quantity": "VARCHAR",
                    "restock_type": "VARCHAR", "subtotal": "VARCHAR"
                }],
                "transactions": [{
                    "kind": "VARCHAR", "status": "VARCHAR",
                    "amount": "VARCHAR", "currency": "VARCHAR"
                }]
            }]
        }') AS o,
        json_transform(coalesce(part[1], part[2], part[3]), '[{
            "id": "VARCHAR", "sku": "VARCHAR", "name": "VARCHAR", "title": "VARCHAR",
            "quantity": "VARCHAR",
            "currentQuantity": "VARCHAR", "current_quantity": "VARCHAR",
            "unfulfilledQuantity": "VARCHAR", "fulfillable_quantity": "VARCHAR",
            "nonFulfillableQuantity": "VARCHAR", "fulfillment_status": "VARCHAR",
            "requiresShipping": "VARCHAR", "requires_shipping": "VARCHAR",
            "isGiftCard": "VARCHAR", "gift_card": "VARCHAR",
            "lineItemGroup": {"id": "VARCHAR"},
            "originalUnitPriceSet": {"shopMoney": {"amount": "VARCHAR"}}, "price": "VARCHAR",
            "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {"amount": "VARCHAR"}}}],
            "discount_allocations": [{"amount": "VARCHAR"}],
            "taxLines": [{"priceSet": {"shopMoney": {"amount": "VARCHAR"}}}],
            "tax_lines": [{"price": "VARCHAR"}]
        }]') AS lines,
        json_transform(coalesce(part[4], part[5]), '[{
            "assignedLocation": {"location": {"id": "VARCHAR"}},
            "deliveryMethod": {"methodType": "VARCHAR", "maxDeliveryDateTime": "VARCHAR"}
        }]') AS deliveries,
        json_transform(
            coalesce(part[6], part[7], part[8]), '{"title": "VARCHAR", "code": "VARCHAR"}'
        ) AS shipping_line
    FROM cut
),

counted AS (
    SELECT
        page,
        record,
        o,
        lines,
        deliveries,
        shipping_line,
        split_part(o.id, '/', -1) AS external_id,
        coalesce(o.updatedAt, o.updated_at) AS updated_at,
        upper(coalesce(o.displayFinancialStatus, o.financial_status)) AS payment_word,
        upper(coalesce(o.displayFulfillmentStatus, o.fulfillment_status, 'unfulfilled'))
            AS fulfillment_word,
        coalesce(
            list_filter(o.customAttributes, lambda a: a.key = 'delivery_choice')[1].value,
            list_filter(o.note_attributes, lambda a: a.name = 'delivery_choice')[1].value
        ) AS delivery_choice,
        coalesce(
            list_filter(o.customAttributes, lambda a: a.key = 'pickup_location')[1].value,
            list_filter(o.note_attributes, lambda a: a.name = 'pickup_location')[1].value,
            CASE WHEN list_contains(
                list_transform(deliveries, lambda d: d.deliveryMethod.methodType), 'PICK_UP'
            ) THEN coalesce(
                json_extract_string(options, '$.locations."'
                    || split_part(deliveries[1].assignedLocation.location.id, '/', -1) || '"'),
                split_part(deliveries[1].assignedLocation.location.id, '/', -1)
            ) END
        ) AS pickup_location,
        coalesce(
            list_filter(o.customAttributes, lambda a: a.key = 'promised_at')[1].value,
            list_filter(o.note_attributes, lambda a: a.name = 'promised_at')[1].value,
            list_max(list_transform(deliveries, lambda d: d.deliveryMethod.maxDeliveryDateTime))
        ) AS promised_at,
        upper(coalesce(o.currencyCode, o.currency)) AS currency,
        list_transform(deliveries, lambda d: d.deliveryMethod.methodType) AS methods,
        flatten(list_transform(
            list_filter(o.fulfillments, lambda f:
                upper(f.status) NOT IN ('CANCELLED', 'ERROR', 'FAILURE')),
            lambda f: coalesce(
                list_transform(f.fulfillmentLineItems.nodes, lambda n: {
                    line: split_part(n.lineItem.id, '/', -1),
                    units: try_cast(n.quantity AS DECIMAL(18, 3))
                }),
                list_transform(f.line_items, lambda n: {
                    line: n.id, units: try_cast(n.quantity AS DECIMAL(18, 3))
                })
            )
        )) AS fulfilled
    FROM parsed CROSS JOIN batch_info
)

SELECT
    * EXCLUDE (lines, fulfilled),
    o.refunds AS refunds,
    list_transform(lines, lambda l: {
        id: split_part(l.id, '/', -1),
        sku: nullif(l.sku, ''),
        title: coalesce(l.name, l.title),
        quantity: l.quantity,
        ordered: try_cast(l.quantity AS DECIMAL(18, 3)),
        current: coalesce(
            try_cast(coalesce(l.currentQuantity, l.current_quantity) AS DECIMAL(18, 3)),
            try_cast(l.quantity AS DECIMAL(18, 3)) - coalesce(list_sum(list_transform(
                list_filter(
                    flatten(list_transform(o.refunds, lambda r: r.refund_line_items)),
                    lambda r: r.line_item_id = l.id
                ),
                lambda r: try_cast(r.quantity AS DECIMAL(18, 3))
            )), 0)
        ),
        to_ship: try_cast(
            coalesce(l.unfulfilledQuantity, l.fulfillable_quantity) AS DECIMAL(18, 3)
        ),
        shipped: CASE
            WHEN o.fulfillments IS NOT NULL THEN coalesce(list_sum(list_transform(
                list_filter(fulfilled, lambda f: f.line = split_part(l.id, '/', -1)),
                lambda f: f.units
            )), 0)
            WHEN l.unfulfilledQuantity IS NOT NULL THEN
                try_cast(l.quantity AS DECIMAL(18, 3))
                - try_cast(l.unfulfilledQuantity AS DECIMAL(18, 3))
                - coalesce(try_cast(l.nonFulfillableQuantity AS DECIMAL(18, 3)), 0)
            WHEN l.fulfillment_status IS NOT NULL THEN
                try_cast(l.current_quantity AS DECIMAL(18, 3))
                - try_cast(l.fulfillable_quantity AS DECIMAL(18, 3))
            ELSE 0
        END,
        requires_shipping: coalesce(l.requiresShipping, l.requires_shipping, 'true') = 'true'
            AND coalesce(l.isGiftCard, l.gift_card, 'false') <> 'true',
        keep_together: split_part(l.lineItemGroup.id, '/', -1),
        unit_price: coalesce(l.originalUnitPriceSet.shopMoney.amount, l.price),
        discount: coalesce(
            list_sum(list_transform(l.discountAllocations, lambda d:
                try_cast(d.allocatedAmountSet.shopMoney.amount AS DECIMAL(18, 4)))),
            list_sum(list_transform(l.discount_allocations, lambda d:
                try_cast(d.amount AS DECIMAL(18, 4)))),
            0
        ),
        tax: coalesce(
            list_sum(list_transform(l.taxLines, lambda t:
                try_cast(t.priceSet.shopMoney.amount AS DECIMAL(18, 4)))),
            list_sum(list_transform(l.tax_lines, lambda t:
                try_cast(t.price AS DECIMAL(18, 4)))),
            CASE WHEN l.taxLines IS NOT NULL OR l.tax_lines IS NOT NULL THEN 0 END
        )
    }) AS lines,
    lines IS NULL AS lines_missing
FROM counted
