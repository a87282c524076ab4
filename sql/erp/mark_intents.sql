-- Orders of one delivered export. Grain: key.
UPDATE outbox
SET state = 'accepted', delivered_at = $now, attempts = attempts + 1
WHERE kind = 'erp' AND step = $step AND state = 'pending'
