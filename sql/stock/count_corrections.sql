-- What the counts of tmp_counted say beyond what the ledger explains, each beyond the one before.
-- Grain: one row a (location, sku, counted_at) after which the ledger is not as it was counted.
-- A count dated T contains what left before T and not what left after: the ledger at T is today's
-- balance (tmp_shelf_balances) less the movements after T, so nothing older than the oldest T
-- ($since) is read.
-- What a late fact explains is taken back at the count that had found it, not at a later one.
-- A count of what is available lacks the units of orders the location knew and still held at T.
WITH pairs AS (
    SELECT DISTINCT location_id, sku FROM tmp_counted
),
shelf AS (
    SELECT c.location_id, c.sku, sum(b.quantity) AS quantity
    FROM pairs c
    JOIN tmp_shelf_balances b
        ON b.sku = c.sku
        AND b.account IN (c.location_id || '/sellable', c.location_id || '/allocated')
    GROUP BY c.location_id, c.sku
),
later AS (
    SELECT c.location_id, c.sku, c.counted_at,
        sum(CASE WHEN m.to_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
            THEN m.quantity ELSE 0 END)
        - sum(CASE WHEN m.from_account IN (c.location_id || '/sellable', c.location_id || '/allocated')
            THEN m.quantity ELSE 0 END) AS quantity
    FROM tmp_counted c
    JOIN stock_movements m ON m.sku = c.sku AND m.valid_at > c.counted_at
    WHERE m.valid_at > $since
    GROUP BY c.location_id, c.sku, c.counted_at
),
waiting AS (
    SELECT c.location_id, c.sku, c.counted_at, l.fo_id, l.line_id, l.quantity, l.refused_quantity
    FROM tmp_counted c
    JOIN fulfillment_orders f
        ON f.location_id = c.location_id AND f.dispatched_at <= c.counted_at
    JOIN fulfillment_lines l ON l.fo_id = f.fo_id AND l.sku = c.sku
    WHERE c.means = 'available' AND (f.closed_at IS NULL OR f.closed_at > $since)
        AND (f.closed_at IS NULL OR f.closed_at > c.counted_at)
),
gone AS (
    SELECT w.counted_at, w.fo_id, w.line_id, w.sku, sum(l.quantity) AS quantity
    FROM waiting w
    JOIN shipments s ON s.fo_id = w.fo_id AND s.shipped_at <= w.counted_at
    JOIN shipment_lines l
        ON l.shipment_id = s.shipment_id AND l.line_id = w.line_id AND l.sku = w.sku
    GROUP BY w.counted_at, w.fo_id, w.line_id, w.sku
),
held AS (
    -- what was refused counts as gone with the first parcel, as it does in the ledger
    SELECT w.location_id, w.sku, w.counted_at, sum(greatest(
        w.quantity - CASE WHEN g.quantity IS NULL THEN 0 ELSE g.quantity + w.refused_quantity END, 0
    )) AS quantity
    FROM waiting w
    LEFT JOIN gone g ON g.counted_at = w.counted_at
        AND g.fo_id = w.fo_id AND g.line_id = w.line_id AND g.sku = w.sku
    GROUP BY w.location_id, w.sku, w.counted_at
),
gaps AS (
    SELECT c.location_id, c.sku, c.counted_at,
        c.quantity + coalesce(h.quantity, 0)
            - (coalesce(s.quantity, 0) - coalesce(m.quantity, 0)) AS gap
    FROM tmp_counted c
    LEFT JOIN shelf s ON s.location_id = c.location_id AND s.sku = c.sku
    LEFT JOIN later m
        ON m.location_id = c.location_id AND m.sku = c.sku AND m.counted_at = c.counted_at
    LEFT JOIN held h
        ON h.location_id = c.location_id AND h.sku = c.sku AND h.counted_at = c.counted_at
),
steps AS (
    SELECT location_id, sku, counted_at,
        gap - coalesce(lag(gap) OVER (PARTITION BY location_id, sku ORDER BY counted_at), 0)
            AS quantity
    FROM gaps
)
SELECT location_id, sku, counted_at, CAST(quantity AS bigint) AS quantity
FROM steps
WHERE quantity <> 0
ORDER BY location_id, sku, counted_at
