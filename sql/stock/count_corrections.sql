-- What the newest count of a location and SKU says beyond what the ledger explains.
-- Grain: one row a (location, sku) of tmp_touched whose count and ledger differ.
-- A count dated T contains what left before T: only movements valid up to T are compared.
-- A count of what is available lacks the units of orders the location knew and still held at T.
WITH newest AS (
    SELECT c.location_id, c.sku, max(c.counted_at) AS counted_at
    FROM stock_counts c
    JOIN tmp_touched k ON k.location_id = c.location_id AND k.sku = c.sku
    GROUP BY c.location_id, c.sku
),
counted AS (
    SELECT c.location_id, c.sku, c.counted_at, c.quantity, c.means
    FROM stock_counts c
    JOIN newest n
        ON n.location_id = c.location_id AND n.sku = c.sku AND n.counted_at = c.counted_at
),
moved AS (
    SELECT c.location_id, c.sku,
        sum(CASE WHEN m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
            THEN m.quantity ELSE 0 END)
        - sum(CASE WHEN m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
            THEN m.quantity ELSE 0 END) AS quantity
    FROM counted c
    JOIN stock_movements m ON m.sku = c.sku AND m.valid_at <= c.counted_at
    GROUP BY c.location_id, c.sku
),
gone AS (
    SELECT s.fo_id, l.line_id, l.sku, c.counted_at, sum(l.quantity) AS quantity
    FROM counted c
    JOIN shipments s ON s.location_id = c.location_id AND s.shipped_at <= c.counted_at
    JOIN shipment_lines l ON l.shipment_id = s.shipment_id AND l.sku = c.sku
    WHERE c.means = 'available'
    GROUP BY s.fo_id, l.line_id, l.sku, c.counted_at
),
held AS (
    SELECT c.location_id, c.sku, sum(greatest(l.quantity - coalesce(g.quantity, 0), 0)) AS quantity
    FROM counted c
    JOIN fulfillment_orders f
        ON f.location_id = c.location_id AND f.dispatched_at <= c.counted_at
        AND (f.closed_at IS NULL OR f.closed_at > c.counted_at)
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id AND l.sku = c.sku
    LEFT JOIN gone g ON g.fo_id = l.fo_id AND g.line_id = l.line_id AND g.sku = l.sku
    WHERE c.means = 'available'
    GROUP BY c.location_id, c.sku
)
SELECT c.location_id, c.sku, c.counted_at,
    CAST(c.quantity + coalesce(h.quantity, 0) - coalesce(m.quantity, 0) AS bigint) AS difference
FROM counted c
LEFT JOIN moved m ON m.location_id = c.location_id AND m.sku = c.sku
LEFT JOIN held h ON h.location_id = c.location_id AND h.sku = c.sku
WHERE c.quantity + coalesce(h.quantity, 0) <> coalesce(m.quantity, 0)
ORDER BY c.location_id, c.sku
