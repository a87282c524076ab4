-- Grain: waiting records of a source and stream that came again later and were kept back again.
-- Keys: quarantine_id. Guarantee: of one record, the newest waits, in whatever order batches come.
UPDATE quarantine
SET state = 'superseded'
WHERE source = $source AND stream = $stream AND state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM quarantine AS later
        WHERE later.source = quarantine.source AND later.stream = quarantine.stream
            AND later.record_key = quarantine.record_key AND later.state = 'waiting'
            AND (later.batch_id > quarantine.batch_id
                OR (later.batch_id = quarantine.batch_id
                    AND (later.page > quarantine.page
                        OR (later.page = quarantine.page AND later.record > quarantine.record))))
    )
