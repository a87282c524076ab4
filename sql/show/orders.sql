-- Orders, newest first, without personal data; `of_all` is how many there are without the limit.
-- Grain: order.
SELECT order_id, number, placed_at, order_status, payment_status, fulfillment_status, hold_reason,
    total_amount, currency, delivery_mode,
    (SELECT count(*) FROM orders
    WHERE (CAST($channel AS text) IS NULL OR channel_id = $channel)
        AND (CAST($status AS text) IS NULL OR order_status = $status)) AS of_all
FROM orders
WHERE (CAST($channel AS text) IS NULL OR channel_id = $channel)
    AND (CAST($status AS text) IS NULL OR order_status = $status)
ORDER BY placed_at DESC, order_id
LIMIT $limit
