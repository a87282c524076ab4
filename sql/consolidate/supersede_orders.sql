-- Grain: waiting orders of a source that came again later and were let through.
-- Keys: quarantine_id. Guarantee: the same in whatever order the batches come.
UPDATE quarantine
SET state = 'superseded'
WHERE source = $source AND stream = 'orders' AND state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM orders AS o
        WHERE o.order_id = quarantine.source || '/' || quarantine.record_key
            AND o.batch_id > quarantine.batch_id
    )
