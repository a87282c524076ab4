-- What the dispatch files of tmp_files hold. Grain and key: (name, fo_id, action).
SELECT t.name, f.fo_id, 'ship' AS action
FROM tmp_files t
JOIN fulfillment_orders f ON f.file_name = t.name
UNION ALL
SELECT t.name, f.fo_id, 'cancel'
FROM tmp_files t
JOIN fulfillment_orders f ON f.cancel_file_name = t.name
ORDER BY name, action, fo_id
