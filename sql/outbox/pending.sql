-- Intents to deliver now. Grain: key.
SELECT * FROM outbox
WHERE state = 'pending' AND next_attempt_at <= $now AND kind = $kind
ORDER BY destination, created_at, key
