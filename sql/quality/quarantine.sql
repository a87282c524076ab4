-- Grain: one row a record kept back, newest first. Keys: quarantine_id.
-- Guarantee: no value of a record stands in it. A null state or source takes any.
SELECT
    quarantine_id, source, stream, batch_id, page, record, record_key, reason, state,
    quarantined_at, released_by
FROM quarantine
WHERE (CAST($state AS TEXT) IS NULL OR state = $state)
    AND (CAST($source AS TEXT) IS NULL OR source = $source)
ORDER BY quarantined_at DESC, quarantine_id
