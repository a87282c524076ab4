-- Files, newest first. Grain and key: name. $destination null is all of them.
SELECT destination, flow, sequence, name, state, row_count, order_count, total_quantity,
    value_by_currency, planned_at, delivered_at, acknowledged_at, sha256, error
FROM files
WHERE destination = coalesce(CAST($destination AS text), destination)
ORDER BY planned_at DESC, destination, flow, sequence DESC
