-- Shopify orders to canonical orders.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * What the customer pays now is `currentTotalPriceSet` (edits and removed units count),
--     at purchase `totalPriceSet`. Old REST answers lack the first: then it is the total
--     less what was refunded.
--   * Refunded is `totalRefundedSet`; REST has successful refund transactions instead, and
--     only those in shop money count. It is never added up from refund lines: fees and
--     exchanges are netted in it.
--   * Canceled by `cancelledAt`, closed by `closedAt` (archived), whatever the other two
--     statuses say.
--   * Held: unpaid or partly paid (unless options.ship_unpaid), payment voided or expired,
--     refunded in full with units left to ship, held fulfillment orders, test orders, words
--     nobody knows, and a parcel to send without an address.
--   * An order placed in a store is handed over there unless it has an address to ship to.
--   * When it was placed is `processedAt`: for imported orders the customer's own time.
--   * delivery_choice and promised_at are order attributes, where a shop writes them.
WITH words AS (
    SELECT
        s.*,
        i.channel_id,
        i.language AS channel_language,
        coalesce(CAST(i.options ->> 'ship_unpaid' AS BOOLEAN), false) AS ship_unpaid,
        CASE s.payment_word
            WHEN 'PENDING' THEN 'pending'
            WHEN 'AUTHORIZED' THEN 'authorized'
            WHEN 'PARTIALLY_PAID' THEN 'partially_paid'
            WHEN 'PAID' THEN 'paid'
            WHEN 'PARTIALLY_REFUNDED' THEN 'partially_refunded'
            WHEN 'REFUNDED' THEN 'refunded'
            WHEN 'VOIDED' THEN 'voided'
            WHEN 'EXPIRED' THEN 'failed'
            ELSE 'unknown'
        END AS payment_status,
        coalesce(list_sum(list_transform(s.lines, lambda l: l.shipped)), 0) AS shipped,
        coalesce(list_sum(list_transform(
            list_filter(s.lines, lambda l: l.requires_shipping), lambda l: l.to_ship
        )), 0) AS to_ship,
        CASE
            WHEN list_contains(s.methods, 'PICK_UP') THEN 'collect'
            WHEN list_contains(s.methods, 'PICKUP_POINT') THEN 'pickup_point'
            WHEN list_contains(s.methods, 'RETAIL') THEN 'none'
            WHEN lower(coalesce(s.o.sourceName, s.o.source_name)) = 'pos'
                AND s.o.shippingAddress IS NULL AND s.o.shipping_address IS NULL THEN 'none'
            ELSE 'home'
        END AS delivery_mode,
        coalesce(
            nullif(trim(s.o.shippingAddress.address1), ''),
            nullif(trim(s.o.shipping_address.address1), ''),
            nullif(trim(s.o.shippingAddress.city), ''),
            nullif(trim(s.o.shipping_address.city), '')
        ) IS NULL AS address_missing,
        list_transform(
            list_filter(
                flatten(list_transform(s.o.refunds, lambda r: r.transactions)),
                lambda t: t.kind = 'refund' AND t.status = 'success'
                    AND upper(t.currency) = s.currency
            ),
            lambda t: try_cast(t.amount AS DECIMAL(18, 4))
        ) AS refund_amounts
    FROM shaped AS s CROSS JOIN batch_info AS i
),

judged AS (
    SELECT
        *,
        coalesce(
            o.totalRefundedSet.shopMoney.amount,
            CASE WHEN o.refunds IS NOT NULL
                THEN CAST(coalesce(list_sum(refund_amounts), 0) AS VARCHAR) END
        ) AS refunded_amount,
        CASE
            WHEN fulfillment_word = 'FULFILLED' THEN 'fulfilled'
            WHEN fulfillment_word IN ('PARTIALLY_FULFILLED', 'PARTIAL') THEN 'partial'
            WHEN fulfillment_word = 'FULFILLMENT_NOT_REQUIRED' THEN 'not_required'
            WHEN fulfillment_word IN (
                'UNFULFILLED', 'OPEN', 'IN_PROGRESS', 'ON_HOLD', 'PENDING_FULFILLMENT',
                'SCHEDULED', 'REQUEST_DECLINED', 'RESTOCKED'
            ) THEN CASE WHEN shipped > 0 THEN 'partial' ELSE 'unfulfilled' END
            ELSE 'unknown'
        END AS fulfillment_status,
        CASE
            WHEN coalesce(o.cancelledAt, o.cancelled_at, o.closedAt, o.closed_at) IS NOT NULL
                THEN NULL
            WHEN o.test = 'true' THEN 'test order'
            WHEN o.confirmed = 'false' THEN 'not confirmed'
            WHEN payment_status IN ('pending', 'partially_paid') AND NOT ship_unpaid
                THEN 'payment pending'
            WHEN payment_status IN ('voided', 'failed') THEN 'payment failed'
            WHEN payment_status = 'unknown' THEN 'unknown status of the channel'
            WHEN payment_status = 'refunded' AND to_ship > 0 THEN 'refunded in full'
            WHEN fulfillment_word = 'ON_HOLD' THEN 'held by the channel'
        END AS reason
    FROM words
),

held AS (
    SELECT
        *,
        CASE
            WHEN coalesce(o.cancelledAt, o.cancelled_at, o.closedAt, o.closed_at) IS NOT NULL
                THEN NULL
            WHEN reason IS NOT NULL THEN reason
            WHEN fulfillment_status = 'unknown' THEN 'unknown status of the channel'
            WHEN delivery_mode = 'home' AND address_missing AND to_ship > 0
                THEN 'shipping address missing'
        END AS hold_reason
    FROM judged
)

SELECT
    page,
    record,
    CASE WHEN lines_missing THEN 'not an order: lineItems (line_items) is missing' END AS refusal,
    channel_id || '/' || external_id AS order_id,
    channel_id,
    external_id,
    coalesce(nullif(trim(o.name), ''), external_id) AS number,
    CASE
        WHEN coalesce(o.cancelledAt, o.cancelled_at) IS NOT NULL THEN 'canceled'
        WHEN coalesce(o.closedAt, o.closed_at) IS NOT NULL THEN 'closed'
        WHEN hold_reason IS NOT NULL THEN 'held'
        ELSE 'open'
    END AS order_status,
    CASE
        WHEN coalesce(o.cancelledAt, o.cancelled_at) IS NOT NULL THEN 'cancelled'
        WHEN coalesce(o.closedAt, o.closed_at) IS NOT NULL THEN 'closed'
        ELSE 'open'
    END AS order_status_raw,
    payment_status,
    coalesce(o.displayFinancialStatus, o.financial_status) AS payment_status_raw,
    fulfillment_status,
    coalesce(o.displayFulfillmentStatus, o.fulfillment_status) AS fulfillment_status_raw,
    hold_reason,
    currency,
    coalesce(
        o.currentTotalPriceSet.shopMoney.amount,
        o.current_total_price,
        CAST(
            try_cast(o.total_price AS DECIMAL(18, 4))
            - coalesce(try_cast(refunded_amount AS DECIMAL(18, 4)), 0) AS VARCHAR
        )
    ) AS total_amount,
    coalesce(o.totalPriceSet.shopMoney.amount, o.total_price) AS original_total_amount,
    coalesce(o.totalTaxSet.shopMoney.amount, o.total_tax) AS tax_amount,
    coalesce(
        o.totalShippingPriceSet.shopMoney.amount, o.total_shipping_price_set.shop_money.amount
    ) AS shipping_amount,
    coalesce(o.totalDiscountsSet.shopMoney.amount, o.total_discounts) AS discount_amount,
    refunded_amount,
    coalesce(o.taxesIncluded, o.taxes_included) AS prices_include_tax,
    delivery_mode,
    CASE WHEN delivery_choice IN ('any', 'together', 'first_now') THEN delivery_choice END
        AS delivery_choice,
    pickup_location,
    coalesce(nullif(trim(shipping_line.code), ''), shipping_line.title) AS service,
    coalesce(o.customerLocale, o.customer_locale, channel_language) AS language,
    promised_at,
    coalesce(o.processedAt, o.processed_at, o.createdAt, o.created_at) AS placed_at,
    updated_at
FROM held
