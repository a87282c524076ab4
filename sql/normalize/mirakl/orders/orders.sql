-- Mirakl orders to canonical orders.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * One customer's basket is several orders, one a shop, with one commercial_id: that is
--     the number people see; the order id is the marketplace's own.
--   * What the customer paid is total_price (lines and shipping), with the taxes where the
--     prices are without; what he pays now, that less cancelations and refunds.
--   * Mirakl has no payment status. Debited or shippable is paid, unless the operator
--     collects later (PAY_ON_...): then it is authorized, and ships. The raw word is the
--     payment workflow.
--   * Held while the marketplace checks it, waits to be told that the seller accepts, or
--     debits the customer; REFUSED and the deprecated refund states are canceled. RECEIVED
--     is closed: nothing of it is left to do.
--   * Promised is the earlier of the delivery date and the shipping deadline: the operator
--     measures the seller by the second.
--   * A pick-up point comes with its id. delivery_choice is an additional field of the
--     order, where an operator has one.
WITH judged AS (
    SELECT
        s.*,
        s.o.order_state AS word,
        coalesce(list_sum(list_transform(s.refunds, lambda r: r.amount)), 0) AS refunded,
        len(list_filter(s.refunds, lambda r: coalesce(r.state, 'REFUNDED') = 'REFUNDED')) > 0
            AS refund_paid,
        len(list_filter(s.refunds, lambda r: r.state <> 'REFUNDED')) > 0 AS refund_waits,
        CASE
            WHEN s.o.order_state IN ('SHIPPING', 'SHIPPED', 'TO_COLLECT') THEN 'open'
            WHEN s.o.order_state IN ('RECEIVED', 'CLOSED') THEN 'closed'
            WHEN s.o.order_state IN (
                'CANCELED', 'REFUSED', 'WAITING_REFUND', 'WAITING_REFUND_PAYMENT'
            ) THEN 'canceled'
            ELSE 'held'
        END AS order_status,
        CASE
            WHEN len(list_filter(s.lines, lambda l: l.shipped)) = 0 THEN 'unfulfilled'
            WHEN len(list_filter(s.lines, lambda l: NOT l.shipped AND NOT l.canceled)) = 0
                THEN 'fulfilled'
            ELSE 'partial'
        END AS shipped_word
    FROM shaped AS s
)

SELECT
    s.page,
    s.record,
    CASE
        WHEN s.o.order_id IS NULL THEN 'not an order: order_id is missing'
        WHEN s.o.order_lines IS NULL THEN 'not an order: order_lines is missing'
        WHEN coalesce(s.word, '') = '' THEN 'order_state is missing'
        WHEN s.unreadable THEN 'order_lines[].refunds[] or cancelations[]: an amount or a '
            'quantity is no number; write it as 12.50'
    END AS refusal,
    i.channel_id || '/' || s.o.order_id AS order_id,
    i.channel_id,
    s.o.order_id AS external_id,
    coalesce(nullif(trim(s.o.commercial_id), ''), s.o.order_id) AS number,
    s.order_status,
    s.word AS order_status_raw,
    CASE
        WHEN s.o.fully_refunded = 'true' THEN 'refunded'
        WHEN s.order_status = 'canceled' THEN
            CASE WHEN s.o.customer_debited_date IS NULL THEN 'voided' ELSE 'refunded' END
        WHEN s.refund_paid AND NOT s.refund_waits AND s.refunded
            >= try_cast(s.o.total_price AS DECIMAL(18, 4)) - s.canceled_amount
            + CASE WHEN s.tax_excluded THEN s.tax ELSE 0 END THEN 'refunded'
        WHEN s.refund_paid THEN 'partially_refunded'
        WHEN s.word IN ('STAGING', 'WAITING_ACCEPTANCE', 'WAITING_DEBIT', 'WAITING_DEBIT_PAYMENT')
            THEN 'pending'
        WHEN s.o.customer_debited_date IS NOT NULL THEN 'paid'
        WHEN s.word IN ('SHIPPING', 'SHIPPED', 'TO_COLLECT', 'RECEIVED', 'CLOSED') THEN
            CASE WHEN s.o.payment_workflow IN ('PAY_ON_DELIVERY', 'PAY_ON_DUE_DATE',
                'PAY_ON_SHIPMENT', 'NO_CUSTOMER_PAYMENT_CONFIRMATION')
                THEN 'authorized' ELSE 'paid' END
        ELSE 'unknown'
    END AS payment_status,
    s.o.payment_workflow AS payment_status_raw,
    CASE
        WHEN s.word IN ('SHIPPED', 'TO_COLLECT', 'RECEIVED', 'CLOSED') THEN 'fulfilled'
        WHEN s.word IN ('STAGING', 'WAITING_ACCEPTANCE', 'WAITING_DEBIT',
            'WAITING_DEBIT_PAYMENT', 'SHIPPING', 'CANCELED', 'REFUSED', 'WAITING_REFUND',
            'WAITING_REFUND_PAYMENT') THEN s.shipped_word
        ELSE 'unknown'
    END AS fulfillment_status,
    s.word AS fulfillment_status_raw,
    CASE
        WHEN s.order_status <> 'held' THEN NULL
        WHEN s.word = 'STAGING' THEN 'held by the channel'
        WHEN s.word = 'WAITING_ACCEPTANCE' THEN 'waits for acceptance'
        WHEN s.word IN ('WAITING_DEBIT', 'WAITING_DEBIT_PAYMENT') THEN 'payment pending'
        ELSE 'unknown status of the channel'
    END AS hold_reason,
    upper(trim(s.o.currency_iso_code)) AS currency,
    coalesce(
        CAST(
            try_cast(s.o.total_price AS DECIMAL(18, 4))
            + CASE WHEN s.tax_excluded THEN s.tax ELSE 0 END
            - s.canceled_amount - s.refunded AS VARCHAR
        ),
        s.o.total_price
    ) AS total_amount,
    coalesce(
        CAST(
            try_cast(s.o.total_price AS DECIMAL(18, 4))
            + CASE WHEN s.tax_excluded THEN s.tax ELSE 0 END AS VARCHAR
        ),
        s.o.total_price
    ) AS original_total_amount,
    s.tax AS tax_amount,
    s.o.shipping_price AS shipping_amount,
    s.o.promotions.total_deduced_amount AS discount_amount,
    s.refunded AS refunded_amount,
    CASE s.o.order_tax_mode WHEN 'TAX_INCLUDED' THEN 'true' WHEN 'TAX_EXCLUDED' THEN 'false' END
        AS prices_include_tax,
    CASE WHEN nullif(trim(s.o.shipping_pudo_id), '') IS NULL THEN 'home' ELSE 'pickup_point' END
        AS delivery_mode,
    list_filter(
        s.o.order_additional_fields,
        lambda f: f.code = 'delivery_choice' AND f.value IN ('any', 'together', 'first_now')
    )[1].value AS delivery_choice,
    nullif(trim(s.o.shipping_pudo_id), '') AS pickup_location,
    s.o.shipping_type_code AS service,
    coalesce(replace(s.o.customer.locale, '_', '-'), i.language) AS language,
    coalesce(
        CASE
            WHEN try_cast(s.o.shipping_deadline AS TIMESTAMPTZ)
                > try_cast(s.o.delivery_date.latest AS TIMESTAMPTZ)
                THEN s.o.delivery_date.latest
        END,
        s.o.shipping_deadline,
        s.o.delivery_date.latest
    ) AS promised_at,
    s.o.created_date AS placed_at,
    coalesce(s.o.last_updated_date, s.o.created_date) AS updated_at
FROM judged AS s CROSS JOIN batch_info AS i
