-- One file by its name. Grain and key: name.
SELECT * FROM files WHERE name = $name
