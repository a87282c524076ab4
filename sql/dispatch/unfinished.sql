-- Files that are planned and not yet known to be delivered, with the one before each.
-- Grain and key: (destination, flow, sequence).
SELECT f.*, p.name AS previous_name, p.sha256 AS previous_sha256
FROM files f
LEFT JOIN files p
    ON p.destination = f.destination AND p.flow = f.flow AND p.sequence = f.sequence - 1
WHERE f.state = 'planned' AND f.flow IN ('dispatch', 'return_notice')
ORDER BY f.destination, f.flow, f.sequence
