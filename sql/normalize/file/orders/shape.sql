-- Sales files: the rows of an order, parsed once, with what they agree on.
-- Grain: one row a record. Keys: page, record. Guarantee: each record gives one row.
--
-- Decisions:
--   * What belongs to the order may stand on its first row only, or on each. Rows that differ
--     in it contradict each other, and nobody can tell which is right: the order is refused,
--     with the columns and the lines. `updated_at` may differ: the newest counts.
--   * Status words of private sales are told apart by what they mean for shipping; a profile
--     maps others by `values: {status: {...}}`. A till's sale is over whatever its word, unless
--     it was voided.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
        "fault": "VARCHAR",
        "rows": [{
            "line": "BIGINT", "order_number": "VARCHAR", "placed_at": "VARCHAR",
            "updated_at": "VARCHAR", "status": "VARCHAR", "line_id": "VARCHAR",
            "sku": "VARCHAR", "title": "VARCHAR", "quantity": "VARCHAR",
            "unit_price": "VARCHAR", "currency": "VARCHAR", "name": "VARCHAR",
            "email": "VARCHAR", "phone": "VARCHAR", "address1": "VARCHAR",
            "address2": "VARCHAR", "postal_code": "VARCHAR", "city": "VARCHAR",
            "country": "VARCHAR", "location_id": "VARCHAR"
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
        any_value(r.currency) AS currency,
        any_value(r.name) AS name,
        any_value(r.email) AS email,
        any_value(r.phone) AS phone,
        any_value(r.address1) AS address1,
        any_value(r.address2) AS address2,
        any_value(r.postal_code) AS postal_code,
        any_value(r.city) AS city,
        any_value(r.country) AS country,
        sum(try_cast(r.quantity AS DECIMAL(18, 4)) * try_cast(r.unit_price AS DECIMAL(18, 4)))
            FILTER (WHERE r.unit_price IS NOT NULL) AS amount,
        count(*) = count(r.unit_price) AS priced,
        nullif(concat_ws(', ',
            CASE WHEN count(DISTINCT r.placed_at) > 1 THEN 'placed_at' END,
            CASE WHEN count(DISTINCT r.status) > 1 THEN 'status' END,
            CASE WHEN count(DISTINCT r.currency) > 1 THEN 'currency' END,
            CASE WHEN count(DISTINCT r.name) > 1 THEN 'name' END,
            CASE WHEN count(DISTINCT r.email) > 1 THEN 'email' END,
            CASE WHEN count(DISTINCT r.phone) > 1 THEN 'phone' END,
            CASE WHEN count(DISTINCT r.address1) > 1 THEN 'address1' END,
            CASE WHEN count(DISTINCT r.address2) > 1 THEN 'address2' END,
            CASE WHEN count(DISTINCT r.postal_code) > 1 THEN 'postal_code' END,
            CASE WHEN count(DISTINCT r.city) > 1 THEN 'city' END,
            CASE WHEN count(DISTINCT r.country) > 1 THEN 'country' END
        ), '') AS contradicting,
        min(r.line) AS first_line,
        max(r.line) AS last_line
    FROM listed
    GROUP BY page, record
),

worded AS (
    SELECT
        p.page,
        p.record,
        p.o.fault AS fault,
        p.o.rows AS listed,
        a.* EXCLUDE (page, record),
        i.options ->> 'kind' AS kind,
        i.options ->> 'location' AS location,
        regexp_replace(lower(trim(a.status)), '[-_ ]', '', 'g') AS word
    FROM parsed AS p
    LEFT JOIN agreed AS a USING (page, record)
    CROSS JOIN batch_info AS i
)

SELECT
    *,
    CASE
        WHEN word IN ('canceled', 'cancelled', 'stockout', 'void', 'voided') THEN 'canceled'
        WHEN kind = 'till' THEN 'closed'
        WHEN word IN ('shipped', 'closed', 'completed', 'delivered') THEN 'closed'
        WHEN coalesce(word, '') IN (
            '', 'open', 'new', 'available', 'confirmed', 'paid', 'ready', 'processing', 'parcelled',
            'labeled', 'readytoship'
        ) THEN 'open'
        ELSE 'held'
    END AS order_status
FROM worded
