CREATE TEMP TABLE numbers AS
SELECT i, 'new/' || i AS order_id, 'new/' || i || '/p/0' AS fo_id,
    'SKU-' || lpad(CAST(i * 17 % $skus AS VARCHAR), 6, '0') AS sku,
    'loc' || lpad(CAST(i * 17 * 7 % $locations AS VARCHAR), 2, '0') AS location_id,
    i >= $news * 3 // 10 AS shipped
FROM range($news * 6 // 10) t(i);
INSERT INTO batches BY NAME
SELECT 'news' AS batch_id, 'loc00' AS source, 'stock' AS stream, 1 AS received, 1 AS accepted,
    0 AS quarantined, 1 AS changed, TIMESTAMPTZ '2026-01-02 00:00:00+00' AS merged_at;
-- as many orders wait for a location as were given to one
INSERT INTO orders BY NAME
SELECT 'a0/w' || i AS order_id, 'c0' AS channel_id, 'w' || i AS external_id, 'open' AS order_status,
    'paid' AS payment_status, 'unfulfilled' AS fulfillment_status, 'EUR' AS currency,
    'home' AS delivery_mode, 0 AS priority, TIMESTAMPTZ '2026-01-01 20:00:00+00' AS placed_at,
    TIMESTAMPTZ '2026-01-01 20:00:00+00' AS updated_at, 1 AS source_version,
    TIMESTAMPTZ '2026-01-01 20:00:00+00' AS fetched_at, 'x' AS record_hash, 'waiting' AS batch_id
FROM numbers WHERE NOT shipped;
INSERT INTO order_lines BY NAME
SELECT 'a0/w' || i AS order_id, '0' AS line_id, sku AS channel_sku, sku, 1 AS units_per,
    1 AS ordered_quantity, 0 AS canceled_quantity, 0 AS shipped_quantity, 'EUR' AS currency,
    true AS requires_shipping
FROM numbers WHERE NOT shipped;
INSERT INTO fulfillment_orders BY NAME
SELECT fo_id, order_id, location_id, CASE WHEN shipped THEN 'shipped' ELSE 'planned' END AS state,
    'p' AS plan_id, TIMESTAMPTZ '2026-01-01 22:00:00+00' AS planned_at,
    CASE WHEN shipped THEN TIMESTAMPTZ '2026-01-01 23:30:00+00' END AS closed_at
FROM numbers;
INSERT INTO fulfillment_lines BY NAME
SELECT fo_id, '0' AS line_id, sku, 1 AS quantity, CASE WHEN shipped THEN 1 ELSE 0 END AS shipped_quantity,
    0 AS refused_quantity
FROM numbers;
INSERT INTO shipments BY NAME
SELECT location_id || '/' || i AS shipment_id, fo_id, order_id, location_id, 'Pending' AS status,
    TIMESTAMPTZ '2026-01-01 23:00:00+00' AS shipped_at,
    TIMESTAMPTZ '2026-01-01 23:30:00+00' AS known_at
FROM numbers WHERE shipped;
INSERT INTO shipment_lines BY NAME
SELECT location_id || '/' || i AS shipment_id, '0' AS line_id, sku, 1 AS quantity
FROM numbers WHERE shipped;
INSERT INTO stock_counts BY NAME
SELECT location_id, 'SKU-' || lpad(CAST(s AS VARCHAR), 6, '0') AS sku,
    TIMESTAMPTZ '2026-01-01 23:00:00+00' AS counted_at, 500 + i AS quantity, 'on_hand' AS means,
    1 AS source_version, TIMESTAMPTZ '2026-01-02 00:00:00+00' AS fetched_at, 'x' AS record_hash,
    'news' AS batch_id
FROM (
    SELECT i, ($news + i * 19) * 17 % $skus AS s,
        'loc' || lpad(CAST(($news + i * 19) * 17 * 7 % $locations AS VARCHAR), 2, '0') AS location_id
    FROM range($news // 10) t(i)
)
