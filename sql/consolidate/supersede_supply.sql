-- Grain: waiting lines of supply that were told again later.
-- Keys: quarantine_id. Guarantee: the same in whatever order the batches come.
UPDATE quarantine
SET state = 'superseded'
WHERE source = $source AND stream = 'supply' AND state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM supply AS s
        WHERE s.location_id = quarantine.source AND s.reference || '/' || s.sku = quarantine.record_key
            AND s.batch_id > quarantine.batch_id
    )
