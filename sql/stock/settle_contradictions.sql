-- Close contradictions that a later count of their shelf (tmp_counted) settled; of a shelf counted
-- below what is allocated, when it holds it again. Grain: contradiction. Reads
-- tmp_shelf_balances, which has the shelves of all that are open.
UPDATE stock_contradictions
SET state = 'closed', closed_at = $now
WHERE state = 'open' AND CASE
    WHEN kind = 'counted_below_allocated' THEN EXISTS (
        SELECT 1 FROM tmp_shelf_balances AS b
        WHERE b.account = stock_contradictions.location_id || '/sellable'
            AND b.sku = stock_contradictions.sku AND b.quantity >= 0
    )
    ELSE EXISTS (
        SELECT 1 FROM tmp_counted AS t
        WHERE t.location_id = stock_contradictions.location_id
            AND t.sku = stock_contradictions.sku
            AND t.counted_at > stock_contradictions.found_at
    )
END
