-- Grain: one quarantined record. Keys: quarantine_id. Guarantee: it is let through once.
UPDATE quarantine
SET state = 'released', released_by = $batch_id
WHERE quarantine_id = $quarantine_id AND state = 'waiting'
