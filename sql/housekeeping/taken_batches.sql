-- Grain: one row a consolidated batch filed before $before. Keys: batch_id.
SELECT batch_id FROM batches WHERE batch_id < $before
