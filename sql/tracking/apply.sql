-- Bring each shipment to the newest event of its parcel.
-- Grain: shipment. Guarantees: depends on the set of events, not on their order; a shipment that
-- was delivered to the customer stays so; a delivery back to the sender is an Exception; events
-- before the parcel left (a number used again) and after the present do not count.
UPDATE shipments
SET status = n.status, status_at = n.occurred_at
FROM (
    SELECT shipment_id, status, occurred_at
    FROM (
        SELECT s.shipment_id, e.occurred_at,
            CASE WHEN e.status = 'Delivered' AND e.returning THEN 'Exception' ELSE e.status END
                AS status,
            row_number() OVER (
                PARTITION BY s.shipment_id
                ORDER BY
                    CASE WHEN e.status = 'Delivered' AND NOT coalesce(e.returning, false)
                        THEN 0 ELSE 1 END,
                    CASE WHEN e.status = 'Delivered' AND NOT coalesce(e.returning, false)
                        THEN e.occurred_at END,
                    e.occurred_at DESC,
                    CASE WHEN e.returning THEN 0 ELSE 1 END,
                    CASE e.status
                        WHEN 'Delivered' THEN 0
                        WHEN 'Exception' THEN 1
                        WHEN 'AvailableForPickup' THEN 2
                        WHEN 'AttemptFail' THEN 3
                        WHEN 'OutForDelivery' THEN 4
                        WHEN 'InTransit' THEN 5
                        WHEN 'InfoReceived' THEN 6
                        WHEN 'Expired' THEN 7
                        ELSE 8
                    END,
                    e.event_id
            ) AS place
        FROM shipments s
        JOIN tracking_events e
            ON e.tracking_number = s.tracking_number
            AND (s.carrier_id IS NULL OR e.carrier_id = s.carrier_id)
        WHERE e.occurred_at <= $now
            -- what was delivered long ago is not looked at again
            AND (s.status <> 'Delivered' OR s.tracking_number IN (
                SELECT k.tracking_number FROM tracking_events k WHERE k.known_at >= $since
            ))
            -- the label is often known to the carrier before the parcel leaves
            AND e.occurred_at >= s.shipped_at - INTERVAL '7 days'
            AND e.occurred_at < s.shipped_at + INTERVAL '180 days'
    ) ranked
    WHERE place = 1
) n
WHERE shipments.shipment_id = n.shipment_id
    AND (shipments.status IS DISTINCT FROM n.status
        OR shipments.status_at IS DISTINCT FROM n.occurred_at)
