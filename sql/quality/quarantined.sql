-- Grain: one quarantined record. Keys: quarantine_id. Guarantee: none or one row.
SELECT source, stream, batch_id, page, record, record_key, reason, state
FROM quarantine
WHERE quarantine_id = $quarantine_id
