-- SKUs of supply that batches merged since $since told. Grain: sku. What enters a horizon is found
-- by its date, and what a count contains is touched when it is settled.
SELECT DISTINCT s.sku
FROM batches b
JOIN supply s ON s.batch_id = b.batch_id
WHERE b.merged_at >= $since
