-- Grain: waiting refunds of a source that came again later and were let through.
-- Keys: quarantine_id. Guarantee: the same in whatever order the batches come.
UPDATE quarantine
SET state = 'superseded'
WHERE source = $source AND stream = 'refunds' AND state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM refunds AS r
        WHERE r.order_id || '/' || r.refund_id = quarantine.record_key
            AND r.batch_id > quarantine.batch_id
    )
