-- Sales files to canonical orders.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * A private sale is paid by its house; a till's sale is born paid and handed over, and
--     nothing of it ships.
--   * The total is the sum of the lines, tax included at a till; it stays empty where a row has
--     no price, as private sales that tell none. Shipping, tax, discounts are not told.
SELECT
    s.page,
    s.record,
    CASE
        WHEN s.fault IS NOT NULL THEN s.fault
        WHEN coalesce(len(s.listed), 0) = 0 THEN 'not an order: rows is empty'
        WHEN s.contradicting IS NOT NULL THEN
            'rows of one order contradict each other in ' || s.contradicting || ' (lines '
            || s.first_line || ' to ' || s.last_line || '); make them agree'
    END AS refusal,
    i.channel_id || '/' || s.order_number AS order_id,
    i.channel_id,
    s.order_number AS external_id,
    s.order_number AS number,
    s.order_status,
    s.status AS order_status_raw,
    'paid' AS payment_status,
    s.status AS payment_status_raw,
    CASE
        WHEN s.order_status = 'closed' THEN 'fulfilled'
        WHEN s.order_status = 'held' THEN 'unknown'
        ELSE 'unfulfilled'
    END AS fulfillment_status,
    s.status AS fulfillment_status_raw,
    CASE
        WHEN s.order_status <> 'held' THEN NULL
        WHEN s.word IN ('held', 'onhold') THEN 'held by the channel'
        WHEN s.word = 'pending' THEN 'payment pending'
        ELSE 'unknown status of the channel'
    END AS hold_reason,
    upper(coalesce(s.currency, i.currency)) AS currency,
    CASE WHEN s.priced THEN s.amount END AS total_amount,
    CASE WHEN s.priced THEN s.amount END AS original_total_amount,
    CASE WHEN s.kind = 'till' THEN 'true' END AS prices_include_tax,
    CASE WHEN s.kind = 'till' THEN 'none' ELSE 'home' END AS delivery_mode,
    i.language,
    s.placed_at,
    coalesce(s.updated_at, s.placed_at) AS updated_at
FROM shaped AS s CROSS JOIN batch_info AS i
