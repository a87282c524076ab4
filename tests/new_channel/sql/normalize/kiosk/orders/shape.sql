-- A kiosk's sales. Grain: record.
SELECT page, record, s.*
FROM (
    SELECT page, record, json_transform(body, '{"no": "VARCHAR", "when": "VARCHAR", "paid": "VARCHAR", "currency": "VARCHAR",
        "items": [{"sku": "VARCHAR", "units": "VARCHAR", "each": "VARCHAR"}]}') AS s
    FROM records
)
