-- Orders that are open or held and want something shipped. Grain: order_id. `may_ship` is false
-- while an order is held.
SELECT order_id, channel_id, placed_at, fetched_at,
    order_status = 'open' AND hold_reason IS NULL AS may_ship
FROM orders
WHERE order_status IN ('open', 'held') AND coalesce(delivery_mode, 'home') <> 'none'
