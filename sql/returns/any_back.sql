-- Whether an order can have anything to do with what came back: a return that names an order by
-- its number, or a receipt. Grain: one row.
SELECT EXISTS (SELECT 1 FROM returns WHERE told_order IS NOT NULL)
    OR EXISTS (SELECT 1 FROM return_receipts) AS back
