-- When news was last promised, if it was since $since. Grain: one row.
SELECT max(created_at) AS created_at
FROM outbox
WHERE created_at >= $since AND kind IN ('tracking', 'message', 'acceptance')
