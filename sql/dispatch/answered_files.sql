-- The files that tmp_answered names, at the location that answers. Grain and key: name.
SELECT f.*
FROM files f
WHERE EXISTS (
    SELECT 1 FROM tmp_answered t
    WHERE t.location_id = f.destination AND t.file_name = f.name
)
ORDER BY f.name
