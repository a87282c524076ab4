-- Returns told in a delivered notice file. Grain: key.
UPDATE outbox
SET state = 'accepted', delivered_at = $now, attempts = attempts + 1
WHERE kind = 'return_notice' AND receipt = $name AND state = 'pending'
