-- Returns whose till named one of the order numbers in tmp_words. Grain and key: return_id.
SELECT r.*
FROM returns r
WHERE r.told_order IN (SELECT word FROM tmp_words)
ORDER BY r.return_id
