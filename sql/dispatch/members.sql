-- What a dispatch file holds, as (fo_id, action). Grain and key: (fo_id, action).
SELECT fo_id, 'ship' AS action FROM fulfillment_orders WHERE file_name = $name
UNION ALL
SELECT fo_id, 'cancel' FROM fulfillment_orders WHERE cancel_file_name = $name
ORDER BY action, fo_id
