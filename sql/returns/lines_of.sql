-- Lines of the returns in tmp_again. Grain and key: (return_id, line_id).
SELECT l.*
FROM tmp_again t
JOIN return_lines l ON l.return_id = t.return_id
ORDER BY l.return_id, l.line_id
