-- Returns that a location was not told of yet. Grain and key: return_id.
-- A return is told once, under the outbox key return_notice/<return_id>; one announced before
-- $since is history and is not told.
SELECT r.return_id, coalesce(r.location_id, $default_location) AS destination
FROM returns r
LEFT JOIN outbox x ON x.key = 'return_notice/' || r.return_id
WHERE x.key IS NULL AND r.status IN ('announced', 'in_transit') AND r.announced_at >= $since
    AND coalesce(r.location_id, $default_location) IS NOT NULL
    AND EXISTS (SELECT 1 FROM return_lines l WHERE l.return_id = r.return_id AND l.quantity > 0)
ORDER BY destination, r.return_id
