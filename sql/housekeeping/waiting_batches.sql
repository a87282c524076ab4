-- Grain: one row a batch filed before $before with records that wait. Keys: batch_id.
-- Guarantee: their bytes are needed to look at the records and to let them through.
SELECT DISTINCT source, stream, batch_id
FROM quarantine
WHERE state = 'waiting' AND batch_id < $before
