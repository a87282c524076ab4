-- All SKUs were looked at. Leaves no row.
DELETE FROM stock_touched
