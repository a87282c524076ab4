-- An event is known since the first batch that told it, in whatever order batches are taken.
-- Grain: event of tmp_events; touches those the store knew from a later batch only.
UPDATE tracking_events
SET known_at = n.known_at, batch_id = n.batch_id
FROM tmp_events n
WHERE tracking_events.event_id = n.event_id
    AND (n.known_at < tracking_events.known_at
        OR (n.known_at = tracking_events.known_at AND n.batch_id < tracking_events.batch_id))
