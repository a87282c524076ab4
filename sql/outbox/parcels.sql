-- Parcels of pending tracking intents, a row a line, in the channel's sold units. Grain: (key,
-- line); of an order the news that was promised first comes first.
-- A sold unit of several SKU units is told by the parcel that makes it whole: of each line the
-- whole sold units up to this parcel, less those up to the one before. The order of promises
-- never changes, so what is told adds up, however late or often one of them is told. A kit is told
-- by the parcel that brings the last of its components: `units` are then kits made whole.
-- `parts`: numbers of earlier parcels, by the same carrier, that held nothing but parts of what
-- this one makes whole. `complete` on the last parcel of an order of which nothing is left to
-- ship by anyone.
WITH pending AS (
    SELECT x.key, s.shipment_id, s.order_id
    FROM outbox x
    JOIN shipments s ON s.shipment_id = x.subject
    WHERE x.kind = 'tracking' AND x.state = 'pending' AND x.destination = $channel_id
        AND x.next_attempt_at <= $now
),
parcels AS (
    SELECT s.shipment_id, s.order_id, s.fo_id, s.carrier_id, s.tracking_number, s.shipped_at,
        row_number() OVER (
            PARTITION BY s.order_id
            ORDER BY coalesce(x.created_at, s.known_at), s.shipped_at, s.shipment_id
        ) AS place
    FROM shipments s
    LEFT JOIN outbox x ON x.key = 'tracking/' || s.shipment_id
    WHERE s.order_id IN (SELECT p.order_id FROM pending p)
),
kits AS (
    SELECT DISTINCT p.order_id, l.line_id, l.bill_id
    FROM parcels p
    JOIN fulfillment_lines l ON l.fo_id = p.fo_id
    WHERE l.bill_id IS NOT NULL
),
components AS (
    SELECT k.order_id, k.line_id, k.bill_id, p.shipment_id, p.place, b.quantity AS per,
        CAST(sum(coalesce(l.quantity, 0)) OVER (
            PARTITION BY k.order_id, k.line_id, k.bill_id, b.sku ORDER BY p.place
        ) AS bigint) AS so_far
    FROM kits k
    JOIN bills b ON b.bill_id = k.bill_id
    JOIN parcels p ON p.order_id = k.order_id
    LEFT JOIN shipment_lines l
        ON l.shipment_id = p.shipment_id AND l.line_id = k.line_id AND l.sku = b.sku
),
whole_kits AS (
    SELECT order_id, line_id, bill_id, shipment_id, place, min(so_far / per) AS kits
    FROM components
    GROUP BY order_id, line_id, bill_id, shipment_id, place
),
made AS (
    SELECT shipment_id, line_id, sum(kits - before_it) AS units
    FROM (
        SELECT w.*, coalesce(lag(w.kits) OVER (
            PARTITION BY w.order_id, w.line_id, w.bill_id ORDER BY w.place
        ), 0) AS before_it
        FROM whole_kits w
    ) AS steps
    GROUP BY shipment_id, line_id
),
contents AS (
    SELECT p.shipment_id, p.order_id, p.place, p.carrier_id, p.tracking_number, l.line_id,
        greatest(coalesce(max(o.units_per), 1), 1) AS pack, max(o.ordered_quantity) AS ordered,
        sum(l.quantity) AS pieces, CAST(coalesce(max(m.units), sum(l.quantity)) AS bigint) AS units
    FROM parcels p
    JOIN shipment_lines l ON l.shipment_id = p.shipment_id
    LEFT JOIN order_lines o ON o.order_id = p.order_id AND o.line_id = l.line_id
    LEFT JOIN made m ON m.shipment_id = p.shipment_id AND m.line_id = l.line_id
    GROUP BY p.shipment_id, p.order_id, p.place, p.carrier_id, p.tracking_number, l.line_id
),
counted AS (
    SELECT c.*,
        CAST(sum(c.units) OVER (PARTITION BY c.order_id, c.line_id ORDER BY c.place) AS bigint)
            AS so_far
    FROM contents c
),
whole AS (
    SELECT c.*, c.so_far / c.pack AS after_it, (c.so_far - c.units) / c.pack AS before_it,
        least(c.so_far / c.pack, c.ordered) - least((c.so_far - c.units) / c.pack, c.ordered)
            AS quantity
    FROM counted c
),
parts AS (
    SELECT w.shipment_id,
        string_agg(DISTINCT e.tracking_number, chr(10) ORDER BY e.tracking_number) AS numbers
    FROM whole w
    JOIN whole e ON e.order_id = w.order_id AND e.line_id = w.line_id AND e.place < w.place
        AND e.after_it = w.before_it AND e.carrier_id IS NOT DISTINCT FROM w.carrier_id
    WHERE w.quantity > 0 AND e.pieces > 0 AND NOT EXISTS (
            SELECT 1 FROM whole a WHERE a.shipment_id = e.shipment_id AND a.quantity > 0
        )
    GROUP BY w.shipment_id
),
refunded AS (
    SELECT r.order_id, r.line_id, sum(r.quantity) AS quantity
    FROM refund_lines r
    WHERE r.restock = 'cancel' AND r.order_id IN (SELECT p.order_id FROM pending p)
    GROUP BY r.order_id, r.line_id
),
sent AS (
    SELECT c.order_id, c.line_id, sum(c.units) AS units
    FROM contents c
    GROUP BY c.order_id, c.line_id
),
owed AS (
    SELECT l.order_id, count(*) AS lines
    FROM order_lines l
    LEFT JOIN sent t ON t.order_id = l.order_id AND t.line_id = l.line_id
    LEFT JOIN refunded r ON r.order_id = l.order_id AND r.line_id = l.line_id
    WHERE l.order_id IN (SELECT p.order_id FROM pending p) AND coalesce(l.requires_shipping, TRUE)
        AND (l.ordered_quantity - greatest(l.canceled_quantity, coalesce(r.quantity, 0)))
            * l.units_per > coalesce(t.units, 0)
    GROUP BY l.order_id
),
last_place AS (
    SELECT p.order_id, max(s.place) AS place
    FROM pending p
    JOIN parcels s ON s.shipment_id = p.shipment_id
    GROUP BY p.order_id
)
SELECT p.key, p.shipment_id, o.external_id, s.carrier_id, s.tracking_number, s.shipped_at,
    w.line_id, CAST(coalesce(w.quantity, 0) AS bigint) AS quantity, n.numbers AS parts,
    s.place = f.place AND coalesce(d.lines, 0) = 0 AS complete
FROM pending p
JOIN orders o ON o.order_id = p.order_id
JOIN parcels s ON s.shipment_id = p.shipment_id
JOIN whole w ON w.shipment_id = p.shipment_id
JOIN last_place f ON f.order_id = p.order_id
LEFT JOIN parts n ON n.shipment_id = p.shipment_id
LEFT JOIN owed d ON d.order_id = p.order_id
ORDER BY s.place, s.shipped_at, p.key, w.line_id
