-- Files of counts (the batches of tmp_cases) that say of every SKU what the location's counts before
-- them said, a week back at most: one file told twice. Grain: (location, batch).
WITH files AS (
    SELECT DISTINCT location_id, batch_id FROM tmp_cases WHERE batch_id IS NOT NULL
),
told AS (
    SELECT s.location_id, s.batch_id, s.sku, s.counted_at, s.quantity
    FROM files f
    JOIN stock_counts s ON s.batch_id = f.batch_id AND s.location_id = f.location_id
    WHERE s.counted_at > $since
),
before AS (
    SELECT t.location_id, t.batch_id, t.sku, b.quantity, b.batch_id AS other,
        row_number() OVER (
            PARTITION BY t.location_id, t.batch_id, t.sku ORDER BY b.counted_at DESC
        ) AS place
    FROM told t
    JOIN stock_counts b ON b.location_id = t.location_id AND b.sku = t.sku
        AND b.counted_at < t.counted_at AND b.counted_at >= t.counted_at - INTERVAL '7' DAY
    WHERE b.counted_at > $since
)
SELECT t.location_id, t.batch_id, min(b.other) AS evidence
FROM told t
LEFT JOIN before b
    ON b.location_id = t.location_id AND b.batch_id = t.batch_id AND b.sku = t.sku AND b.place = 1
GROUP BY t.location_id, t.batch_id
HAVING count(*) > 1 AND count(*) = sum(CASE WHEN b.quantity = t.quantity THEN 1 ELSE 0 END)
    AND min(b.other) = max(b.other)
