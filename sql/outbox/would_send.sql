-- What the next publish would send. Grain: (what, destination).
SELECT 'dispatch line' AS what, f.location_id AS destination, count(*) AS items
FROM fulfillment_orders f
JOIN fulfillment_lines l ON l.fo_id = f.fo_id
WHERE f.state = 'planned'
GROUP BY f.location_id
UNION ALL
SELECT x.kind, x.destination, count(*)
FROM outbox x
WHERE x.state = 'pending'
GROUP BY x.kind, x.destination
UNION ALL
SELECT 'level', v.channel_id, count(*)
FROM levels v
WHERE v.sent_version IS NULL OR v.sent_version < v.version OR left(v.error, 5) = 'retry'
GROUP BY v.channel_id
ORDER BY 1, 2
