-- What locations that tell movements ask the ledger to hold, of what batches merged since $since
-- brought. Grain: (cause, cause_id, sku). A reference counts once, however often its file comes;
-- told anew with another quantity, the difference moves.
SELECT 'adjustment' AS cause, a.location_id || '/' || a.reference AS cause_id, a.sku,
    'world/adjustment' AS from_account, a.location_id || '/sellable' AS to_account, a.quantity,
    -- a location may date what it booked anew: what was posted under the older date is looked
    -- for too
    a.moved_at AS valid_at, a.moved_at - INTERVAL '60' DAY AS begun
FROM batches b
JOIN stock_adjustments a ON a.batch_id = b.batch_id
WHERE b.merged_at >= $since
