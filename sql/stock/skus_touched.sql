-- SKUs whose levels may change: their stock moved, or what is owed of them is another than
-- last time (tmp_demand_changes). Grain: sku; * stands for all.
SELECT sku FROM stock_touched
UNION
SELECT sku FROM tmp_demand_changes
ORDER BY sku
