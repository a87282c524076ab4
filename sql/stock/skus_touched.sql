-- SKUs whose levels may change: their stock moved, or what is owed of them (tmp_demand) is
-- another than last time. Grain: sku; * stands for all.
SELECT sku FROM stock_touched
UNION
SELECT coalesce(d.sku, l.sku) AS sku
FROM tmp_demand d
FULL JOIN level_demand l ON l.channel_id = d.channel_id AND l.sku = d.sku
WHERE d.quantity IS DISTINCT FROM l.quantity
ORDER BY sku
