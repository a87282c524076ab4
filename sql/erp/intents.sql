-- The intents of one export. Grain: key.
SELECT * FROM outbox WHERE kind = 'erp' AND step = $step AND state = 'pending' ORDER BY key
