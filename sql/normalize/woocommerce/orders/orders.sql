-- WooCommerce orders to canonical orders.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * Paid is `date_paid`; shipped is `completed`; the rest is read off the word.
--   * A refund leaves `total` as it was: what the customer pays now is `total` less refunds.
--   * Held: pending and failed (no money), on-hold (the shop waits), drafts (no order yet),
--     refunded in full while processing, and any word of a plug-in (nobody knows whether it
--     may ship). Cash on delivery is open and unpaid.
--   * `prices_include_tax` tells how the shop types prices in. The lines of an order are
--     without tax whatever it says, so the canonical flag is false.
--   * An order has no promised time or delivery choice of its own: the meta fields
--     promised_at and delivery_choice are read where a shop writes them.
SELECT
    s.page,
    s.record,
    CASE
        WHEN s.o.line_items IS NULL THEN 'not an order: line_items is missing'
        WHEN coalesce(s.word, '') = '' THEN 'status is missing'
        WHEN s.refund_unreadable THEN 'refunds[].total is missing or no number'
    END AS refusal,
    i.channel_id || '/' || s.o.id AS order_id,
    i.channel_id,
    s.o.id AS external_id,
    coalesce(nullif(trim(s.o.number), ''), s.o.id) AS number,
    CASE
        WHEN s.canceled THEN 'canceled'
        WHEN s.fulfilled THEN 'closed'
        WHEN s.word <> 'processing' THEN 'held'
        WHEN s.refunded > 0 AND s.refunded >= s.total THEN 'held'
        ELSE 'open'
    END AS order_status,
    s.o.status AS order_status_raw,
    CASE
        WHEN s.word = 'refunded' THEN 'refunded'
        WHEN s.refunded > 0 AND s.refunded >= s.total THEN 'refunded'
        WHEN s.refunded > 0 THEN 'partially_refunded'
        WHEN s.word = 'failed' THEN 'failed'
        WHEN s.paid THEN 'paid'
        WHEN s.canceled THEN 'voided'
        WHEN s.word IN ('pending', 'on-hold', 'draft', 'auto-draft', 'checkout-draft')
            THEN 'pending'
        WHEN s.word = 'processing' AND s.o.payment_method = 'cod' THEN 'pending'
        ELSE 'unknown'
    END AS payment_status,
    s.o.status AS payment_status_raw,
    CASE
        WHEN s.fulfilled THEN 'fulfilled'
        WHEN s.canceled OR s.word IN (
            'pending', 'processing', 'on-hold', 'failed', 'draft', 'auto-draft', 'checkout-draft'
        ) THEN 'unfulfilled'
        ELSE 'unknown'
    END AS fulfillment_status,
    s.o.status AS fulfillment_status_raw,
    CASE
        WHEN s.canceled OR s.fulfilled THEN NULL
        WHEN s.word = 'pending' THEN 'payment pending'
        WHEN s.word = 'failed' THEN 'payment failed'
        WHEN s.word = 'on-hold' THEN 'held by the channel'
        WHEN s.word IN ('draft', 'auto-draft', 'checkout-draft') THEN 'draft'
        WHEN s.word <> 'processing' THEN 'unknown status of the channel'
        WHEN s.refunded > 0 AND s.refunded >= s.total THEN 'refunded in full'
    END AS hold_reason,
    nullif(upper(trim(s.o.currency)), '') AS currency,
    coalesce(CAST(s.total - coalesce(s.refunded, 0) AS VARCHAR), s.o.total) AS total_amount,
    s.o.total AS original_total_amount,
    s.o.total_tax AS tax_amount,
    s.o.shipping_total AS shipping_amount,
    s.o.discount_total AS discount_amount,
    s.refunded AS refunded_amount,
    'false' AS prices_include_tax,
    CASE WHEN s.pickup IS NULL THEN 'home' ELSE 'collect' END AS delivery_mode,
    list_filter(
        s.o.meta_data,
        lambda m: m.key IN ('delivery_choice', '_delivery_choice')
            AND m.value IN ('any', 'together', 'first_now')
    )[1].value AS delivery_choice,
    list_filter(s.pickup.meta_data, lambda m: m.key = 'pickup_location')[1].value
        AS pickup_location,
    coalesce(
        nullif(trim(s.o.shipping_lines[1].method_title), ''), s.o.shipping_lines[1].method_id
    ) AS service,
    coalesce(
        list_filter(s.o.meta_data, lambda m: m.key = 'wpml_language')[1].value, i.language
    ) AS language,
    list_filter(s.o.meta_data, lambda m: m.key IN ('promised_at', '_promised_at'))[1].value
        AS promised_at,
    s.created_at AS placed_at,
    coalesce(s.modified_at, s.created_at) AS updated_at
FROM shaped AS s CROSS JOIN batch_info AS i
