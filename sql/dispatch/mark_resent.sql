-- A file was delivered once more: it waits for an answer again. Grain: name.
UPDATE files
SET state = 'delivered', delivered_at = coalesce(CAST($now AS timestamptz), delivered_at),
    error = NULL
WHERE name = $name AND state IN ('delivered', 'overdue', 'rejected')
