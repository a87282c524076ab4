-- Grain: one row: how many records of a source and stream wait in quarantine.
-- Keys: none. Guarantee: pages that could not be read count too.
SELECT count(*) AS waiting FROM quarantine
WHERE source = $source AND stream = $stream AND state = 'waiting'
