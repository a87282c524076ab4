INSERT INTO skus BY NAME
SELECT 'SKU-' || lpad(CAST(s AS VARCHAR), 6, '0') AS sku, 'item ' || s AS title
FROM range($skus) t(s);
INSERT INTO locations BY NAME
SELECT 'loc' || lpad(CAST(p AS VARCHAR), 2, '0') AS location_id, 'warehouse' AS kind, 'FR' AS country,
    true AS ships, false AS collects
FROM range($locations) t(p);
-- the first count of every SKU in every place it lies in
INSERT INTO stock_movements BY NAME
SELECT 'count/' || place || '/' || sku || '/0' AS movement_id, sku, 'world/count' AS from_account,
    place || '/sellable' AS to_account, 30 + (s * 7 + p * 13) % 70 AS quantity, 'count' AS cause,
    place || '/' || sku AS cause_id, TIMESTAMPTZ '2025-01-01 00:00:00+00' AS valid_at,
    TIMESTAMPTZ '2025-01-01 00:00:00+00' AS known_at
FROM (
    SELECT s, p, 'SKU-' || lpad(CAST(s AS VARCHAR), 6, '0') AS sku,
        'loc' || lpad(CAST((s * 7 + p) % $locations AS VARCHAR), 2, '0') AS place
    FROM range($skus) a(s), range($places) b(p)
);
-- a year of trade: a unit allocated, shipped, and delivered
INSERT INTO stock_movements BY NAME
SELECT cause || '/' || fo || '/0/' || sku || '/0' AS movement_id, sku,
    CASE cause WHEN 'allocation' THEN place || '/sellable' WHEN 'shipment' THEN place || '/allocated'
        ELSE 'world/in_transit' END AS from_account,
    CASE cause WHEN 'allocation' THEN place || '/allocated' WHEN 'shipment' THEN 'world/in_transit'
        ELSE 'world/customer' END AS to_account,
    1 AS quantity, cause, fo || '/0/' || sku AS cause_id, moment AS valid_at, moment AS known_at
FROM (
    SELECT i, 'shop/' || (i // 3) || '/p/0' AS fo,
        'SKU-' || lpad(CAST(s AS VARCHAR), 6, '0') AS sku,
        'loc' || lpad(CAST((s * 7 + (i // 3) % $places) % $locations AS VARCHAR), 2, '0') AS place,
        CASE i % 3 WHEN 0 THEN 'allocation' WHEN 1 THEN 'shipment' ELSE 'delivery' END AS cause,
        TIMESTAMPTZ '2025-01-02 00:00:00+00'
            + to_seconds(i * CAST(363 * 86400 AS DOUBLE) / ($movements - $skus * $places)) AS moment
    FROM (
        SELECT i, (i // 3 * 7919) % $skus AS s FROM range($movements - $skus * $places) t(i)
    )
);
INSERT INTO stock_balances BY NAME
SELECT account, sku, CAST(sum(quantity) AS BIGINT) AS quantity
FROM (
    SELECT to_account AS account, sku, quantity FROM stock_movements
    UNION ALL
    SELECT from_account, sku, -quantity FROM stock_movements
)
GROUP BY account, sku
ORDER BY sku, account
