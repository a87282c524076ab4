-- Grain: one row a consolidated batch that lies in the days still looked at (tmp_since).
-- Keys: batch_id. Guarantee: as many rows as those days have batches, whatever the history.
SELECT b.source, b.stream, b.batch_id
FROM batches AS b
JOIN tmp_since AS s ON s.source = b.source AND s.stream = b.stream AND b.batch_id >= s.since
