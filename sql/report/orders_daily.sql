-- Orders by day placed, channel and status, with their value. Grain: (day, channel, status, currency).
SELECT CAST(placed_at AS date) AS day, channel_id AS channel, order_status AS status, currency,
    count(*) AS orders, CAST(sum(total_amount) AS decimal(18, 4)) AS total,
    CAST(sum(coalesce(refunded_amount, 0)) AS decimal(18, 4)) AS refunded
FROM orders
GROUP BY CAST(placed_at AS date), channel_id, order_status, currency
ORDER BY day, channel, status, currency
