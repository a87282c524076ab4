-- Shopify orders to canonical orders.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * What the customer pays now is `currentTotalPriceSet` (edits and removed units count),
--     at purchase `totalPriceSet`. Where the first is not told it is the second less what was
--     refunded, and unknown when that is.
--   * Refunded is `totalRefundedSet`, else what each refund gave; unknown when one is. It is
--     never added up from refund lines: fees and exchanges are netted in it.
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
        i.options,
        coalesce(CAST(i.options ->> 'ship_unpaid' AS BOOLEAN), false) AS ship_unpaid,
        upper(coalesce(s.fulfillment_status_raw, 'unfulfilled')) AS fulfillment_word,
        CASE upper(s.payment_status_raw)
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
            s.lines, lambda l: CASE WHEN l.requires_shipping THEN l.to_ship END
        )), 0) AS to_ship,
        CASE
            WHEN list_contains(s.methods, 'PICK_UP') THEN 'collect'
            WHEN list_contains(s.methods, 'PICKUP_POINT') THEN 'pickup_point'
            WHEN list_contains(s.methods, 'RETAIL') THEN 'none'
            WHEN s.source_name = 'pos' AND s.without_address THEN 'none'
            ELSE 'home'
        END AS delivery_mode,
        coalesce(nullif(trim(s.address1), ''), nullif(trim(s.city), '')) IS NULL
            AS address_missing,
        coalesce(
            s.refunded_amount,
            CASE WHEN len(list_filter(s.refunds, lambda r: r.given IS NULL)) = 0 THEN
                CAST(coalesce(list_sum(list_transform(s.refunds, lambda r: r.given)), 0) AS VARCHAR)
            END
        ) AS refunded
    FROM shaped AS s CROSS JOIN batch_info AS i
),

judged AS (
    SELECT
        *,
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
            WHEN canceled_at IS NOT NULL OR closed_at IS NOT NULL THEN NULL
            WHEN is_test THEN 'test order'
            WHEN is_unconfirmed THEN 'not confirmed'
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
            WHEN canceled_at IS NOT NULL OR closed_at IS NOT NULL THEN NULL
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
    CASE WHEN lines IS NULL THEN 'not an order: lineItems (line_items) is missing' END AS refusal,
    channel_id || '/' || external_id AS order_id,
    channel_id,
    external_id,
    coalesce(number, external_id) AS number,
    CASE
        WHEN canceled_at IS NOT NULL THEN 'canceled'
        WHEN closed_at IS NOT NULL THEN 'closed'
        WHEN hold_reason IS NOT NULL THEN 'held'
        ELSE 'open'
    END AS order_status,
    CASE
        WHEN canceled_at IS NOT NULL THEN 'cancelled'
        WHEN closed_at IS NOT NULL THEN 'closed'
        ELSE 'open'
    END AS order_status_raw,
    payment_status,
    payment_status_raw,
    fulfillment_status,
    fulfillment_status_raw,
    hold_reason,
    currency,
    coalesce(total_amount, CASE WHEN refunded IS NOT NULL OR refunds IS NULL THEN CAST(
        try_cast(original_total_amount AS DECIMAL(18, 4))
        - coalesce(try_cast(refunded AS DECIMAL(18, 4)), 0) AS VARCHAR
    ) END) AS total_amount,
    original_total_amount,
    tax_amount,
    shipping_amount,
    discount_amount,
    refunded AS refunded_amount,
    prices_include_tax,
    delivery_mode,
    CASE WHEN delivery_choice IN ('any', 'together', 'first_now') THEN delivery_choice END
        AS delivery_choice,
    CASE
        WHEN pickup_location IS NOT NULL THEN pickup_location
        WHEN delivery_mode = 'collect' THEN coalesce(
            json_extract_string(options, '$.locations."' || assigned_location || '"'),
            assigned_location
        )
    END AS pickup_location,
    service,
    coalesce(language, channel_language) AS language,
    promised_at,
    placed_at,
    updated_at
FROM held
