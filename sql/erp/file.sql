-- One export as the files table has it. Grain and key: name.
SELECT * FROM files WHERE destination = 'erp' AND flow = 'erp_orders' AND name = $name
