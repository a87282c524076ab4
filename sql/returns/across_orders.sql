-- The orders that the numbers of tmp_told may mean, nearest first by `rank`: the till's own sale
-- (0), the order whose whole id it is (1), orders that bear the number in any channel (2).
-- Grain and key: (source, told_order, order_id).
WITH found AS (
    SELECT t.source, t.told_order, o.order_id, 0 AS rank
    FROM tmp_told t
    JOIN orders o ON o.order_id = t.source || '/' || t.told_order
    UNION ALL
    SELECT t.source, t.told_order, o.order_id, 1
    FROM tmp_told t
    JOIN orders o ON o.order_id = t.told_order
    UNION ALL
    SELECT t.source, t.told_order, o.order_id, 2
    FROM tmp_told t
    JOIN orders o ON o.number = t.told_order
    UNION ALL
    SELECT t.source, t.told_order, o.order_id, 2
    FROM tmp_told t
    JOIN orders o ON o.external_id = t.told_order
)
SELECT source, told_order, order_id, min(rank) AS rank
FROM found
GROUP BY source, told_order, order_id
ORDER BY source, told_order, rank, order_id
