-- Grain: one row an order candidate, typed, with the first test it failed (`fault`).
-- Keys: page, record, order_id. Guarantee: every candidate comes out once, whatever its values.
WITH typed AS (
    SELECT
        c.*,
        b.channel_id AS source,
        b.batch_id AS batch,
        b.fetched_at AS fetched,
        b.language AS spoken,
        upper(coalesce(c.currency, b.currency)) AS money,
        amount(c.total_amount) AS total,
        amount(c.original_total_amount) AS original_total,
        amount(c.tax_amount) AS tax,
        amount(c.shipping_amount) AS shipping,
        amount(c.discount_amount) AS discount,
        amount(c.refunded_amount) AS refunded,
        try_cast(c.prices_include_tax AS BOOLEAN) AS with_tax,
        try_cast(c.priority AS INTEGER) AS rank,
        moment(c.promised_at) AS promised,
        moment(c.placed_at) AS placed,
        moment(c.updated_at) AS updated,
        whole(c.source_version) AS version
    FROM candidate_orders AS c
    CROSS JOIN batch_info AS b
)

SELECT
    page,
    record,
    nullif(external_id, '') AS record_key,
    coalesce(
        refusal,
        missing('external_id', external_id),
        missing('updated_at', updated_at),
        moment_fault('updated_at', updated_at, updated, fetched + INTERVAL 1 DAY),
        missing('placed_at', placed_at),
        moment_fault('placed_at', placed_at, placed, fetched + INTERVAL 1 DAY),
        currency_fault('currency', money),
        missing('order_status', order_status),
        word_fault('order_status', order_status, ['open', 'held', 'canceled', 'closed']),
        missing('payment_status', payment_status),
        word_fault('payment_status', payment_status, [
            'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded',
            'voided', 'failed', 'unknown']),
        missing('fulfillment_status', fulfillment_status),
        word_fault('fulfillment_status', fulfillment_status, [
            'unfulfilled', 'partial', 'fulfilled', 'not_required', 'unknown']),
        amount_fault('total_amount', total_amount, total),
        amount_fault('original_total_amount', original_total_amount, original_total),
        amount_fault('tax_amount', tax_amount, tax),
        amount_fault('shipping_amount', shipping_amount, shipping),
        amount_fault('discount_amount', discount_amount, discount),
        positive_amount_fault('refunded_amount', refunded_amount, refunded),
        flag_fault('prices_include_tax', prices_include_tax, with_tax),
        word_fault('delivery_mode', delivery_mode, ['home', 'pickup_point', 'collect', 'none']),
        word_fault('delivery_choice', delivery_choice, ['any', 'together', 'first_now']),
        moment_fault('promised_at', promised_at, promised, NULL),
        CASE WHEN priority IS NOT NULL AND rank IS NULL
             THEN 'priority: not a whole number; mend it' END,
        CASE WHEN source_version IS NOT NULL AND version IS NULL
             THEN 'source_version: not a whole number; mend it' END,
        CASE WHEN (page, record) IN (
                 SELECT page, record FROM candidate_orders GROUP BY page, record HAVING count(*) > 1)
             THEN 'orders: two orders in one record; send each alone' END
    ) AS fault,
    source || '/' || external_id AS order_id,
    source AS channel_id,
    external_id,
    number,
    order_status,
    order_status_raw,
    payment_status,
    payment_status_raw,
    fulfillment_status,
    fulfillment_status_raw,
    hold_reason,
    money AS currency,
    total AS total_amount,
    original_total AS original_total_amount,
    tax AS tax_amount,
    shipping AS shipping_amount,
    discount AS discount_amount,
    refunded AS refunded_amount,
    with_tax AS prices_include_tax,
    delivery_mode,
    delivery_choice,
    pickup_location,
    service,
    coalesce(language, spoken) AS language,
    promised AS promised_at,
    coalesce(rank, 0) AS priority,
    placed AS placed_at,
    updated AS updated_at,
    coalesce(version, epoch_us(updated)) AS source_version,
    fetched AS fetched_at,
    h.record_hash,
    batch AS batch_id
FROM typed
JOIN hashes AS h USING (page, record)
