-- The returns a notice file holds. Grain and key: return_id.
SELECT subject AS return_id
FROM outbox
WHERE kind = 'return_notice' AND receipt = $name
ORDER BY subject
