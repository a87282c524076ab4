-- Parcels of the fulfillment orders of tmp_orders, and those with news since $since: known, or
-- seen by their carrier. Grain: shipment_id. No parcel is known before its order was planned
-- ($begun is the first of them); a carrier speaks of those known since $living.
WITH found AS (
    SELECT s.shipment_id, s.fo_id, s.status, s.shipped_at, s.status_at, 1 AS recent, 1 AS news
    FROM shipments s
    WHERE s.known_at >= $since
    UNION ALL
    SELECT s.shipment_id, s.fo_id, s.status, s.shipped_at, s.status_at, 0, 0
    FROM tmp_orders t
    JOIN shipments s ON s.fo_id = t.fo_id
    WHERE s.known_at >= $begun AND s.known_at < $since
    UNION ALL
    SELECT s.shipment_id, s.fo_id, s.status, s.shipped_at, s.status_at, 0, 1
    FROM tracking_events e
    JOIN shipments s ON s.tracking_number = e.tracking_number
    WHERE e.known_at >= $since AND s.known_at >= $living AND s.known_at < $since
)
SELECT shipment_id, fo_id, status, shipped_at, status_at, max(recent) = 1 AS recent,
    max(news) = 1 AS news
FROM found
GROUP BY shipment_id, fo_id, status, shipped_at, status_at
