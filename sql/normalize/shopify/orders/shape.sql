-- Shopify orders of every form the API gives them in, parsed once.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null; scalars are the text the shop sent; ids are the numbers at their end.
--
-- Two forms are one here: GraphQL (the adapter makes every connection {nodes}) and REST (snake
-- case). Amounts are shop money throughout: what the customer saw (presentment money) is another
-- currency's view of the same order.
--
-- Units of a line, whose `quantity` stays as ordered for ever:
--   * current: what was not removed. It falls when units are edited out, canceled, or returned,
--     before or after they were shipped. Old REST answers do not tell it: it is then the ordered
--     units less the refunded.
--   * to_ship: what can still be shipped.
--   * shipped: what fulfillments hold that were not canceled and did not fail; those under way
--     count, somebody ships them. A returned unit stays shipped. Where parcels are told without
--     their lines, or not at all, it is worked out of the line's own units, else of the word.
--   * So units that are neither shipped nor to be shipped were taken out before shipping,
--     and never more than current has lost. A unit returned after shipping is not one.
--
-- A refund's money is `totalRefundedSet`; REST has its successful transactions instead. One that
-- is not in shop money, or transactions nobody asked for, leave it unknown.
--
-- Lambdas capture whole columns, and what is captured is copied for each element of a list:
-- only narrow columns stand in them.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
            "id": "VARCHAR", "name": "VARCHAR", "createdAt": "VARCHAR", "created_at": "VARCHAR",
            "processedAt": "VARCHAR", "processed_at": "VARCHAR", "updatedAt": "VARCHAR",
            "updated_at": "VARCHAR", "closedAt": "VARCHAR", "closed_at": "VARCHAR",
            "cancelledAt": "VARCHAR", "cancelled_at": "VARCHAR", "test": "VARCHAR",
            "confirmed": "VARCHAR", "sourceName": "VARCHAR", "source_name": "VARCHAR",
            "currencyCode": "VARCHAR", "currency": "VARCHAR", "taxesIncluded": "VARCHAR",
            "taxes_included": "VARCHAR", "customerLocale": "VARCHAR",
            "customer_locale": "VARCHAR", "displayFinancialStatus": "VARCHAR",
            "financial_status": "VARCHAR", "displayFulfillmentStatus": "VARCHAR",
            "fulfillment_status": "VARCHAR", "email": "VARCHAR", "contact_email": "VARCHAR",
            "phone": "VARCHAR", "customer": {"email": "VARCHAR"},
            "customAttributes": [{"key": "VARCHAR", "value": "VARCHAR"}],
            "note_attributes": [{"name": "VARCHAR", "value": "VARCHAR"}],
            "retailLocation": {"id": "VARCHAR"}, "location_id": "VARCHAR",
            "shippingAddress": {
                "name": "VARCHAR", "firstName": "VARCHAR", "lastName": "VARCHAR",
                "company": "VARCHAR", "address1": "VARCHAR", "address2": "VARCHAR",
                "zip": "VARCHAR", "city": "VARCHAR", "provinceCode": "VARCHAR",
                "countryCodeV2": "VARCHAR", "countryCode": "VARCHAR", "phone": "VARCHAR",
                "latitude": "VARCHAR", "longitude": "VARCHAR"
            },
            "shipping_address": {
                "name": "VARCHAR", "first_name": "VARCHAR", "last_name": "VARCHAR",
                "company": "VARCHAR", "address1": "VARCHAR", "address2": "VARCHAR",
                "zip": "VARCHAR", "city": "VARCHAR", "province_code": "VARCHAR",
                "country_code": "VARCHAR", "phone": "VARCHAR",
                "latitude": "VARCHAR", "longitude": "VARCHAR"
            },
            "shippingLine": {"title": "VARCHAR", "code": "VARCHAR"},
            "shippingLines": {"nodes": [{"title": "VARCHAR", "code": "VARCHAR"}]},
            "shipping_lines": [{"title": "VARCHAR", "code": "VARCHAR", "price": "VARCHAR"}],
            "totalPriceSet": {"shopMoney": {"amount": "VARCHAR", "currencyCode": "VARCHAR"}},
            "total_price": "VARCHAR",
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
                "fulfillmentLineItems": {"nodes": [
                    {"quantity": "VARCHAR", "lineItem": {"id": "VARCHAR"}}]},
                "line_items": [{"quantity": "VARCHAR", "id": "VARCHAR"}]
            }],
            "fulfillmentOrders": {"nodes": [{
                "assignedLocation": {"location": {"id": "VARCHAR"}},
                "deliveryMethod": {"methodType": "VARCHAR", "maxDeliveryDateTime": "VARCHAR"}
            }]},
            "refunds": [{
                "id": "VARCHAR", "note": "VARCHAR",
                "createdAt": "VARCHAR", "created_at": "VARCHAR",
                "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR"}},
                "refundLineItems": "JSON",
                "refund_line_items": [{
                    "line_item_id": "VARCHAR", "quantity": "VARCHAR",
                    "restock_type": "VARCHAR", "subtotal": "VARCHAR"
                }],
                "transactions": [{"kind": "VARCHAR", "status": "VARCHAR",
                    "amount": "VARCHAR", "currency": "VARCHAR"}]
            }],
            "lineItems": {"nodes": [{
                "id": "VARCHAR", "sku": "VARCHAR", "name": "VARCHAR", "title": "VARCHAR",
                "quantity": "VARCHAR", "currentQuantity": "VARCHAR",
                "unfulfilledQuantity": "VARCHAR", "nonFulfillableQuantity": "VARCHAR",
                "requiresShipping": "VARCHAR", "isGiftCard": "VARCHAR",
                "lineItemGroup": {"id": "VARCHAR"},
                "originalUnitPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
                "discountedUnitPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
                "totalDiscountSet": {"shopMoney": {"amount": "VARCHAR"}},
                "discountAllocations": [
                    {"allocatedAmountSet": {"shopMoney": {"amount": "VARCHAR"}}}],
                "taxLines": [{"priceSet": {"shopMoney": {"amount": "VARCHAR"}}}]
            }]},
            "line_items": [{
                "id": "VARCHAR", "sku": "VARCHAR", "name": "VARCHAR", "title": "VARCHAR",
                "quantity": "VARCHAR", "current_quantity": "VARCHAR",
                "fulfillable_quantity": "VARCHAR", "fulfillment_status": "VARCHAR",
                "requires_shipping": "VARCHAR", "gift_card": "VARCHAR", "price": "VARCHAR",
                "total_discount": "VARCHAR", "discount_allocations": [{"amount": "VARCHAR"}],
                "tax_lines": [{"price": "VARCHAR"}]
            }]
        }') AS o
    FROM records
),

lists AS (
    SELECT
        *,
        o.fulfillments IS NOT NULL AND len(list_filter(o.fulfillments, lambda f:
            f.fulfillmentLineItems.nodes IS NULL AND f.line_items IS NULL)) = 0 AS are_told,
        coalesce(upper(o.displayFulfillmentStatus) = 'FULFILLED', false) AS all_shipped,
        upper(coalesce(o.currencyCode, o.currency, o.totalPriceSet.shopMoney.currencyCode)) AS coin,
        o.lineItems.nodes AS line_nodes,
        o.fulfillmentOrders.nodes AS deliveries,
        coalesce(o.shippingLine, o.shippingLines.nodes[1], o.shipping_lines[1]) AS shipping_line,
        flatten(list_transform(o.refunds, lambda r: r.refund_line_items)) AS refunded,
        flatten(list_transform(
            list_filter(o.fulfillments, lambda f:
                coalesce(upper(f.status), '') NOT IN ('CANCELLED', 'ERROR', 'FAILURE')),
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
    FROM parsed
),

told AS (
    SELECT
        *,
        coalesce(
            list_transform(line_nodes, lambda l: {
                id: split_part(l.id, '/', -1), sku: nullif(l.sku, ''),
                title: coalesce(l.name, l.title), quantity: l.quantity,
                ordered: try_cast(l.quantity AS DECIMAL(18, 3)),
                current: try_cast(l.currentQuantity AS DECIMAL(18, 3)),
                to_ship: try_cast(l.unfulfilledQuantity AS DECIMAL(18, 3)),
                shipped: CASE
                    WHEN are_told OR (l.unfulfilledQuantity IS NULL AND NOT all_shipped) THEN 0
                    WHEN l.unfulfilledQuantity IS NULL THEN
                        try_cast(coalesce(l.currentQuantity, l.quantity) AS DECIMAL(18, 3))
                    ELSE try_cast(CASE WHEN all_shipped OR l.nonFulfillableQuantity IS NOT NULL
                            THEN l.quantity ELSE coalesce(l.currentQuantity, l.quantity) END
                            AS DECIMAL(18, 3))
                        - try_cast(l.unfulfilledQuantity AS DECIMAL(18, 3))
                        - coalesce(try_cast(l.nonFulfillableQuantity AS DECIMAL(18, 3)), 0)
                END,
                requires_shipping: coalesce(l.requiresShipping, 'true') = 'true'
                    AND coalesce(l.isGiftCard, 'false') <> 'true',
                keep_together: split_part(l.lineItemGroup.id, '/', -1),
                unit_price: coalesce(
                    l.originalUnitPriceSet.shopMoney.amount,
                    CASE WHEN l.discountAllocations IS NULL
                        THEN l.discountedUnitPriceSet.shopMoney.amount END),
                discount: coalesce(
                    list_sum(list_transform(l.discountAllocations, lambda d:
                        try_cast(d.allocatedAmountSet.shopMoney.amount AS DECIMAL(18, 4)))),
                    CASE WHEN l.discountAllocations IS NULL
                        AND l.originalUnitPriceSet.shopMoney.amount IS NOT NULL
                        THEN try_cast(l.totalDiscountSet.shopMoney.amount AS DECIMAL(18, 4)) END,
                    0),
                tax: CASE WHEN l.taxLines IS NOT NULL THEN coalesce(
                    list_sum(list_transform(l.taxLines, lambda t:
                        try_cast(t.priceSet.shopMoney.amount AS DECIMAL(18, 4)))), 0) END
            }),
            list_transform(o.line_items, lambda l: {
                id: split_part(l.id, '/', -1), sku: nullif(l.sku, ''),
                title: coalesce(l.name, l.title), quantity: l.quantity,
                ordered: try_cast(l.quantity AS DECIMAL(18, 3)),
                current: try_cast(l.current_quantity AS DECIMAL(18, 3)),
                to_ship: try_cast(l.fulfillable_quantity AS DECIMAL(18, 3)),
                shipped: CASE
                    WHEN are_told OR l.fulfillment_status IS NULL OR (
                        l.fulfillable_quantity IS NULL AND l.fulfillment_status <> 'fulfilled'
                    ) THEN 0
                    ELSE try_cast(coalesce(l.current_quantity, l.quantity) AS DECIMAL(18, 3))
                        - coalesce(try_cast(l.fulfillable_quantity AS DECIMAL(18, 3)), 0)
                END,
                requires_shipping: coalesce(l.requires_shipping, 'true') = 'true'
                    AND coalesce(l.gift_card, 'false') <> 'true',
                keep_together: CAST(NULL AS VARCHAR),
                unit_price: l.price,
                discount: coalesce(
                    list_sum(list_transform(l.discount_allocations, lambda d:
                        try_cast(d.amount AS DECIMAL(18, 4)))),
                    CASE WHEN l.discount_allocations IS NULL
                        THEN try_cast(l.total_discount AS DECIMAL(18, 4)) END, 0),
                tax: CASE WHEN l.tax_lines IS NOT NULL THEN coalesce(
                    list_sum(list_transform(l.tax_lines, lambda t:
                        try_cast(t.price AS DECIMAL(18, 4)))), 0) END
            })
        ) AS lines
    FROM lists
)

SELECT
    page, record,
    split_part(o.id, '/', -1) AS external_id,
    nullif(trim(o.name), '') AS number,
    coalesce(o.processedAt, o.processed_at, o.createdAt, o.created_at) AS placed_at,
    coalesce(o.updatedAt, o.updated_at) AS updated_at,
    coalesce(o.closedAt, o.closed_at) AS closed_at,
    coalesce(o.cancelledAt, o.cancelled_at) AS canceled_at,
    o.test = 'true' AS is_test,
    o.confirmed = 'false' AS is_unconfirmed,
    lower(coalesce(o.sourceName, o.source_name)) AS source_name,
    coin AS currency,
    coalesce(o.taxesIncluded, o.taxes_included) AS prices_include_tax,
    coalesce(o.customerLocale, o.customer_locale) AS language,
    coalesce(o.displayFinancialStatus, o.financial_status) AS payment_status_raw,
    coalesce(o.displayFulfillmentStatus, o.fulfillment_status) AS fulfillment_status_raw,
    coalesce(nullif(trim(shipping_line.code), ''), shipping_line.title) AS service,
    split_part(coalesce(o.retailLocation.id, o.location_id), '/', -1) AS retail_location,
    o.shippingAddress IS NULL AND o.shipping_address IS NULL AS without_address,
    coalesce(
        nullif(trim(coalesce(o.shippingAddress.name, o.shipping_address.name)), ''),
        concat_ws(' ', o.shippingAddress.firstName, o.shippingAddress.lastName,
            o.shipping_address.first_name, o.shipping_address.last_name)
    ) AS name,
    coalesce(o.shippingAddress.company, o.shipping_address.company) AS company,
    coalesce(nullif(o.email, ''), nullif(o.contact_email, ''), o.customer.email) AS email,
    coalesce(nullif(o.shippingAddress.phone, ''), nullif(o.shipping_address.phone, ''), o.phone)
        AS phone,
    coalesce(o.shippingAddress.address1, o.shipping_address.address1) AS address1,
    coalesce(o.shippingAddress.address2, o.shipping_address.address2) AS address2,
    coalesce(o.shippingAddress.zip, o.shipping_address.zip) AS postal_code,
    coalesce(o.shippingAddress.city, o.shipping_address.city) AS city,
    coalesce(o.shippingAddress.provinceCode, o.shipping_address.province_code) AS region,
    coalesce(
        o.shippingAddress.countryCodeV2, o.shippingAddress.countryCode,
        o.shipping_address.country_code
    ) AS country,
    coalesce(o.shippingAddress.latitude, o.shipping_address.latitude) AS latitude,
    coalesce(o.shippingAddress.longitude, o.shipping_address.longitude) AS longitude,
    coalesce(o.currentTotalPriceSet.shopMoney.amount, o.current_total_price) AS total_amount,
    coalesce(o.totalPriceSet.shopMoney.amount, o.total_price) AS original_total_amount,
    coalesce(o.totalTaxSet.shopMoney.amount, o.total_tax) AS tax_amount,
    coalesce(
        o.totalShippingPriceSet.shopMoney.amount, o.total_shipping_price_set.shop_money.amount,
        CAST(list_sum(list_transform(
            o.shipping_lines, lambda l: try_cast(l.price AS DECIMAL(18, 4)))) AS VARCHAR)
    ) AS shipping_amount,
    coalesce(o.totalDiscountsSet.shopMoney.amount, o.total_discounts) AS discount_amount,
    o.totalRefundedSet.shopMoney.amount AS refunded_amount,
    coalesce(
        list_filter(o.customAttributes, lambda a: a.key = 'delivery_choice')[1].value,
        list_filter(o.note_attributes, lambda a: a.name = 'delivery_choice')[1].value
    ) AS delivery_choice,
    list_transform(deliveries, lambda d: d.deliveryMethod.methodType) AS methods,
    coalesce(
        list_filter(o.customAttributes, lambda a: a.key = 'pickup_location')[1].value,
        list_filter(o.note_attributes, lambda a: a.name = 'pickup_location')[1].value
    ) AS pickup_location,
    split_part(deliveries[1].assignedLocation.location.id, '/', -1) AS assigned_location,
    coalesce(
        list_filter(o.customAttributes, lambda a: a.key = 'promised_at')[1].value,
        list_filter(o.note_attributes, lambda a: a.name = 'promised_at')[1].value,
        list_max(list_transform(deliveries, lambda d: d.deliveryMethod.maxDeliveryDateTime))
    ) AS promised_at,
    list_transform(o.refunds, lambda r: struct_insert(r, given := coalesce(
        try_cast(r.totalRefundedSet.shopMoney.amount AS DECIMAL(18, 4)),
        CASE
            WHEN r.transactions IS NULL OR len(list_filter(r.transactions, lambda t:
                lower(t.kind) = 'refund' AND lower(t.status) = 'success'
                AND upper(t.currency) <> coin)) > 0 THEN NULL
            ELSE coalesce(list_sum(list_transform(
                list_filter(r.transactions, lambda t:
                    lower(t.kind) = 'refund' AND lower(t.status) = 'success'),
                lambda t: try_cast(t.amount AS DECIMAL(18, 4)))), 0)
        END
    ))) AS refunds,
    CASE WHEN len(fulfilled) > 0 OR len(refunded) > 0 THEN list_transform(
        lines, lambda l: struct_update(
            l,
            current := coalesce(l.current, try_cast(l.ordered - coalesce(list_sum(list_transform(
                list_filter(refunded, lambda r: split_part(r.line_item_id, '/', -1) = l.id),
                lambda r: try_cast(r.quantity AS DECIMAL(18, 3))
            )), 0) AS DECIMAL(18, 3))),
            shipped := CASE WHEN NOT are_told THEN l.shipped ELSE try_cast(
                coalesce(list_sum(list_transform(
                    list_filter(fulfilled, lambda f: f.line = l.id), lambda f: f.units
                )), 0) AS DECIMAL(18, 3)
            ) END
        )
    ) ELSE lines END AS lines
FROM told
