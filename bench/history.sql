CREATE TEMP TABLE numbers AS
SELECT i, 'shop/' || i AS order_id,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' - to_seconds(i * 315) AS placed
FROM range($orders) t(i);
INSERT INTO skus BY NAME
SELECT 'SKU-' || lpad(CAST(i AS VARCHAR), 4, '0') AS sku, 'item ' || i AS title, 300 AS weight_g, 10.0 AS value, 'EUR' AS currency
FROM range($skus) t(i);
INSERT INTO orders BY NAME
SELECT order_id, 'shop' AS channel_id, CAST(i AS VARCHAR) AS external_id, '#' || i AS number,
    'closed' AS order_status, 'closed' AS order_status_raw, 'paid' AS payment_status,
    'PAID' AS payment_status_raw, 'fulfilled' AS fulfillment_status, 'FULFILLED' AS fulfillment_status_raw,
    'EUR' AS currency, 40.0 AS total_amount, 40.0 AS original_total_amount, 0 AS refunded_amount,
    'home' AS delivery_mode, 'any' AS delivery_choice, 0 AS priority,
    placed AS placed_at, placed + INTERVAL 3 DAY AS updated_at,
    epoch_us(placed + INTERVAL 3 DAY) AS source_version, placed + INTERVAL 3 DAY AS fetched_at,
    md5(order_id) AS record_hash, 'history' AS batch_id
FROM numbers;
INSERT INTO order_contacts BY NAME
SELECT order_id, 'Someone ' || i AS name, 'someone' || i || '@example.com' AS email, '69007' AS postal_code,
    'Lyon' AS city, 'FR' AS country
FROM numbers;
INSERT INTO order_lines BY NAME
SELECT order_id, CAST(l AS VARCHAR) AS line_id, 'SKU-' || lpad(CAST((i * 2 + l) % $skus AS VARCHAR), 4, '0') AS channel_sku,
    'SKU-' || lpad(CAST((i * 2 + l) % $skus AS VARCHAR), 4, '0') AS sku, 1 AS units_per, 'item' AS title, 1 AS ordered_quantity,
    0 AS canceled_quantity, 1 AS shipped_quantity, 20.0 AS unit_price, 20.0 AS line_amount,
    'EUR' AS currency, true AS requires_shipping
FROM numbers, range(2) r(l);
INSERT INTO fulfillment_orders BY NAME
SELECT order_id || '/p/0' AS fo_id, order_id, 'loc' || (i % 3) AS location_id, 'shipped' AS state,
    'p' AS plan_id, 'f' || (i // 500) || '.csv' AS file_name, placed AS planned_at,
    placed + INTERVAL 1 HOUR AS dispatched_at, placed + INTERVAL 1 DAY AS closed_at
FROM numbers;
INSERT INTO fulfillment_lines BY NAME
SELECT order_id || '/p/0' AS fo_id, CAST(l AS VARCHAR) AS line_id, 'SKU-' || lpad(CAST((i * 2 + l) % $skus AS VARCHAR), 4, '0') AS sku,
    1 AS quantity, 1 AS shipped_quantity, 0 AS refused_quantity
FROM numbers, range(2) r(l);
INSERT INTO shipments BY NAME
SELECT 'loc' || (i % 3) || '/P' || i AS shipment_id, order_id || '/p/0' AS fo_id, order_id,
    'loc' || (i % 3) AS location_id, 'colis' AS carrier_id, 'T' || i AS tracking_number,
    'Delivered' AS status, placed + INTERVAL 1 DAY AS shipped_at, placed + INTERVAL 3 DAY AS status_at,
    placed + INTERVAL 1 DAY AS known_at
FROM numbers;
INSERT INTO shipment_lines BY NAME
SELECT 'loc' || (i % 3) || '/P' || i AS shipment_id, CAST(l AS VARCHAR) AS line_id,
    'SKU-' || lpad(CAST((i * 2 + l) % $skus AS VARCHAR), 4, '0') AS sku, 1 AS quantity
FROM numbers, range(2) r(l);
INSERT INTO stock_counts BY NAME
SELECT 'loc' || p AS location_id, 'SKU-' || lpad(CAST(s AS VARCHAR), 4, '0') AS sku, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS counted_at,
    1000 AS quantity, 'on_hand' AS means, 1 AS source_version,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' AS fetched_at, 'x' AS record_hash, 'history' AS batch_id
FROM range(3) a(p), range($skus) b(s);
INSERT INTO stock_movements BY NAME
SELECT cause || '/' || order_id || '/p/0/' || l || '/SKU-' || ((i * 2 + l) % $skus) || '/0' AS movement_id,
    'SKU-' || lpad(CAST((i * 2 + l) % $skus AS VARCHAR), 4, '0') AS sku,
    CASE cause WHEN 'allocation' THEN 'loc' || (i % 3) || '/sellable' ELSE 'loc' || (i % 3) || '/allocated' END AS from_account,
    CASE cause WHEN 'allocation' THEN 'loc' || (i % 3) || '/allocated' ELSE 'world/in_transit' END AS to_account,
    1 AS quantity, cause, order_id || '/p/0/' || l || '/SKU-' || ((i * 2 + l) % $skus) AS cause_id,
    CASE cause WHEN 'allocation' THEN placed ELSE placed + INTERVAL 1 DAY END AS valid_at,
    CASE cause WHEN 'allocation' THEN placed ELSE placed + INTERVAL 1 DAY END AS known_at
FROM numbers, range(2) r(l), (VALUES ('allocation'), ('shipment')) c(cause);
CREATE TEMP TABLE due AS
SELECT 'loc' || p AS location_id, 'SKU-' || lpad(CAST(s AS VARCHAR), 4, '0') AS sku, CAST(1000 - coalesce((
    SELECT sum(CASE WHEN m.to_account IN ('loc' || p || '/sellable', 'loc' || p || '/allocated') THEN m.quantity ELSE 0 END)
         - sum(CASE WHEN m.from_account IN ('loc' || p || '/sellable', 'loc' || p || '/allocated') THEN m.quantity ELSE 0 END)
    FROM stock_movements m WHERE m.sku = 'SKU-' || lpad(CAST(s AS VARCHAR), 4, '0')), 0) AS BIGINT) AS quantity
FROM range(3) a(p), range($skus) b(s);
INSERT INTO stock_movements BY NAME
SELECT 'count/' || location_id || '/' || sku || '/0' AS movement_id, sku, 'world/count' AS from_account,
    location_id || '/sellable' AS to_account, quantity, 'count' AS cause,
    location_id || '/' || sku || '/' || epoch_us(TIMESTAMPTZ '2026-01-01 00:00:00+00') AS cause_id,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' AS valid_at, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS known_at
FROM due WHERE quantity > 0;
INSERT INTO stock_balances BY NAME
SELECT account, sku, CAST(sum(quantity) AS BIGINT) AS quantity FROM (
    SELECT to_account AS account, sku, quantity FROM stock_movements
    UNION ALL SELECT from_account, sku, -quantity FROM stock_movements) GROUP BY account, sku;
INSERT INTO outbox BY NAME
SELECT 'tracking/loc' || (i % 3) || '/P' || i AS key, 'tracking' AS kind, 'shop' AS destination,
    'loc' || (i % 3) || '/P' || i AS subject, 'accepted' AS state, 1 AS attempts,
    placed + INTERVAL 1 DAY AS created_at, placed + INTERVAL 1 DAY AS next_attempt_at,
    placed + INTERVAL 1 DAY AS delivered_at
FROM numbers;
