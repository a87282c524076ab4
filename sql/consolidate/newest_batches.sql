-- Grain: one row a source and stream, with its newest consolidated batch. Keys: source, stream.
-- Guarantee: batch ids sort in the order they were landed.
SELECT source, stream, max(batch_id) AS newest FROM batches GROUP BY source, stream
