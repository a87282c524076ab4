-- Files of a destination in tmp_promises that was to answer by now. Grain: name.
UPDATE files
SET state = 'overdue'
WHERE state = 'delivered' AND flow = 'dispatch' AND EXISTS (
    SELECT 1 FROM tmp_promises p
    WHERE p.destination = files.destination AND files.delivered_at < p.delivered_before
)
