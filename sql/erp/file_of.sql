-- One export as the files table has it. Grain: one row.
SELECT * FROM files WHERE destination = 'erp' AND flow = 'erp_orders' AND sequence = $sequence
