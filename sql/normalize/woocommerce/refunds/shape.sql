-- WooCommerce refunds, parsed once.
-- Grain: one row a record. Keys: page, record.
-- A refund does not name its order, or its currency: the adapter lands the order's id,
-- currency, status and completion time around it. A refund read alone names its order by its
-- parent_id (newer shops) or its link "up", takes the channel's currency, and says nothing of
-- what had been shipped.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
        "order": {
            "id": "VARCHAR", "currency": "VARCHAR", "status": "VARCHAR",
            "date_completed_gmt": "VARCHAR", "date_completed": "VARCHAR"
        },
        "refund": {
            "id": "VARCHAR", "parent_id": "VARCHAR",
            "date_created": "VARCHAR", "date_created_gmt": "VARCHAR",
            "amount": "VARCHAR", "reason": "VARCHAR",
            "line_items": [{
                "id": "VARCHAR", "quantity": "VARCHAR", "total": "VARCHAR",
                "total_tax": "VARCHAR",
                "meta_data": [{"key": "VARCHAR", "value": "VARCHAR"}]
            }],
            "_links": {"up": [{"href": "VARCHAR"}]}
        }
    }') AS r
    FROM records
),

clean AS (
    SELECT
        p.page,
        p.record,
        p.r,
        i.time_zone,
        nullif(regexp_replace(trim(p.r.refund.date_created_gmt), '^(0000|-).*$', ''), '') AS gmt,
        nullif(regexp_replace(trim(p.r.refund.date_created), '^(0000|-).*$', ''), '') AS local
    FROM parsed AS p CROSS JOIN batch_info AS i
)

SELECT
    page,
    record,
    r.refund AS refund,
    coalesce(
        r.order.id,
        nullif(r.refund.parent_id, '0'),
        nullif(regexp_extract(r.refund._links.up[1].href, '/orders/(\d+)/?$', 1), '')
    ) AS order_number,
    nullif(upper(trim(r.order.currency)), '') AS currency,
    r.order.status AS order_status,
    coalesce(
        try_cast(nullif(r.order.date_completed_gmt, '') || 'Z' AS TIMESTAMPTZ),
        timezone(time_zone, try_cast(nullif(r.order.date_completed, '') AS TIMESTAMP))
    ) AS completed_at,
    coalesce(
        gmt || CASE WHEN regexp_matches(gmt, '(Z|[+-]\d\d:?\d\d)$') THEN '' ELSE 'Z' END,
        CASE WHEN NOT regexp_matches(local, '(Z|[+-]\d\d:?\d\d)$')
            THEN CAST(timezone(time_zone, try_cast(local AS TIMESTAMP)) AS VARCHAR) END,
        local
    ) AS refunded_at
FROM clean
