-- Receipts of tmp_answers on pending intents. Grain: key. Accepted ends an intent, a refusal
-- fails it; anything else waits, longer each time, and is never given up.
UPDATE outbox
SET state = CASE a.outcome
        WHEN 'accepted' THEN 'accepted' WHEN 'rejected' THEN 'failed' ELSE 'pending' END,
    attempts = attempts + 1,
    next_attempt_at = $now + INTERVAL '5 minutes' * CASE attempts
        WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 2 THEN 4 WHEN 3 THEN 8 WHEN 4 THEN 16 ELSE 32 END,
    delivered_at = CASE WHEN a.outcome = 'accepted' THEN $now ELSE delivered_at END,
    receipt = CASE WHEN a.outcome = 'accepted' THEN a.text ELSE receipt END,
    error = CASE WHEN a.outcome = 'accepted' THEN NULL ELSE a.text END
FROM tmp_answers a
WHERE outbox.key = a.key AND outbox.state = 'pending'
