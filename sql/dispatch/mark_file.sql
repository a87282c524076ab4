-- A file stands at its destination, manifest included. Grain: name.
UPDATE files
SET state = 'delivered', delivered_at = $now
WHERE name = $name AND state = 'planned'
