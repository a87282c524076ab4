-- Orders of a kiosk: paid and handed over. Grain: record.
SELECT page, record, channel_id || '/' || no AS order_id, channel_id, no AS external_id, no AS number,
    'closed' AS order_status, 'paid' AS payment_status, 'fulfilled' AS fulfillment_status,
    s.currency, paid AS total_amount, 'none' AS delivery_mode, s."when" AS placed_at,
    s."when" AS updated_at
FROM shaped AS s, batch_info
