-- Sales files: the return rows of one number at one time, parsed once.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
        "fault": "VARCHAR",
        "rows": [{
            "line": "BIGINT", "order_number": "VARCHAR", "placed_at": "VARCHAR",
            "updated_at": "VARCHAR", "status": "VARCHAR", "line_id": "VARCHAR",
            "sku": "VARCHAR", "quantity": "VARCHAR", "location_id": "VARCHAR"
        }]
    }') AS o
    FROM records
),

listed AS (
    SELECT page, record, unnest(o.rows) AS r FROM parsed
),

agreed AS (
    SELECT
        page,
        record,
        any_value(r.order_number) AS order_number,
        any_value(r.placed_at) AS placed_at,
        max(r.updated_at) AS updated_at,
        any_value(r.status) AS status,
        any_value(r.location_id) AS location_id,
        count(DISTINCT r.location_id) > 1 AS several_locations,
        min(r.line) AS first_line,
        max(r.line) AS last_line
    FROM listed
    GROUP BY page, record
)

SELECT
    p.page,
    p.record,
    p.o.fault AS fault,
    p.o.rows AS listed,
    a.* EXCLUDE (page, record),
    i.options ->> 'kind' AS kind,
    i.options ->> 'location' AS location,
    coalesce(i.options ->> 'returns_name', 'sale') AS returns_name
FROM parsed AS p
LEFT JOIN agreed AS a USING (page, record)
CROSS JOIN batch_info AS i
