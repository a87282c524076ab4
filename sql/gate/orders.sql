-- Grain: one row an order candidate, typed, with the first test it failed (`fault`).
-- Keys: page, record, order_id. Guarantee: every candidate comes out once, whatever its values.
SELECT
    page,
    record,
    nullif(external_id, '') AS record_key,
    coalesce(
        refusal,
        missing('external_id', external_id),
        missing('updated_at', c.updated_at),
        moment_fault('updated_at', c.updated_at, b.fetched_at + INTERVAL 1 DAY),
        missing('placed_at', placed_at),
        moment_fault('placed_at', placed_at, b.fetched_at + INTERVAL 1 DAY),
        currency_fault('currency', coalesce(c.currency, b.currency)),
        missing('order_status', order_status),
        word_fault('order_status', order_status, ['open', 'held', 'canceled', 'closed']),
        missing('payment_status', payment_status),
        word_fault('payment_status', payment_status, [
            'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded',
            'voided', 'failed', 'unknown']),
        missing('fulfillment_status', fulfillment_status),
        word_fault('fulfillment_status', fulfillment_status, [
            'unfulfilled', 'partial', 'fulfilled', 'not_required', 'unknown']),
        amount_fault('total_amount', total_amount),
        amount_fault('original_total_amount', original_total_amount),
        amount_fault('tax_amount', tax_amount),
        amount_fault('shipping_amount', shipping_amount),
        amount_fault('discount_amount', discount_amount),
        positive_amount_fault('refunded_amount', refunded_amount),
        flag_fault('prices_include_tax', prices_include_tax),
        word_fault('delivery_mode', delivery_mode, ['home', 'pickup_point', 'collect', 'none']),
        word_fault('delivery_choice', delivery_choice, ['any', 'together', 'first_now']),
        moment_fault('promised_at', promised_at, NULL),
        CASE WHEN priority IS NOT NULL AND try_cast(priority AS INTEGER) IS NULL
             THEN 'priority: not a whole number; mend it' END,
        CASE WHEN source_version IS NOT NULL AND whole(source_version) IS NULL
             THEN 'source_version: not a whole number; mend it' END,
        CASE WHEN (page, record) IN (
                 SELECT page, record FROM candidate_orders GROUP BY page, record HAVING count(*) > 1)
             THEN 'orders: two orders in one record; send each alone' END
    ) AS fault,
    b.channel_id || '/' || external_id AS order_id,
    b.channel_id,
    external_id,
    number,
    order_status,
    order_status_raw,
    payment_status,
    payment_status_raw,
    fulfillment_status,
    fulfillment_status_raw,
    hold_reason,
    upper(coalesce(c.currency, b.currency)) AS currency,
    amount(total_amount) AS total_amount,
    amount(original_total_amount) AS original_total_amount,
    amount(tax_amount) AS tax_amount,
    amount(shipping_amount) AS shipping_amount,
    amount(discount_amount) AS discount_amount,
    amount(refunded_amount) AS refunded_amount,
    try_cast(prices_include_tax AS BOOLEAN) AS prices_include_tax,
    delivery_mode,
    delivery_choice,
    pickup_location,
    service,
    coalesce(c.language, b.language) AS language,
    moment(promised_at) AS promised_at,
    coalesce(try_cast(priority AS INTEGER), 0) AS priority,
    moment(placed_at) AS placed_at,
    moment(c.updated_at) AS updated_at,
    coalesce(whole(source_version), epoch_us(moment(c.updated_at))) AS source_version,
    b.fetched_at,
    h.record_hash,
    b.batch_id
FROM candidate_orders AS c
CROSS JOIN batch_info AS b
JOIN hashes AS h USING (page, record)
