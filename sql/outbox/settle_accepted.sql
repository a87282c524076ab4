-- One pending intent that was delivered: what `settle` does with an acceptance, cheap enough to
-- be done for each alone. Grain: key.
UPDATE outbox
SET state = 'accepted', attempts = attempts + 1, delivered_at = $now, receipt = $text,
    error = NULL
WHERE key = $key AND state = 'pending'
