-- Grain: waiting rows and files of a location's stock that a later good snapshot replaces.
-- Keys: quarantine_id. Guarantee: the same in whatever order the batches come.
UPDATE quarantine
SET state = 'superseded'
WHERE source = $source AND stream = 'stock' AND state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM batches AS b
        WHERE b.source = quarantine.source AND b.stream = 'stock'
            AND b.accepted > 0 AND b.batch_id > quarantine.batch_id
    )
