-- Lines of a kiosk's sales; a line is known by its rank. Grain: (record, line).
SELECT page, record, channel_id || '/' || no AS order_id, CAST(rank AS VARCHAR) AS line_id,
    items[rank].sku AS channel_sku, items[rank].units AS ordered_quantity,
    items[rank].units AS shipped_quantity, items[rank].each AS unit_price,
    s.currency
FROM shaped AS s, batch_info, unnest(range(1, len(items) + 1)) AS r(rank)
