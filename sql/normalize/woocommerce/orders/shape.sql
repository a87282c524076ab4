-- WooCommerce orders, parsed once, with what several tables need worked out.
-- Grain: one row a record. Keys: page, record. Guarantee: no record is lost, unreadable
-- parts are null; scalars are the text the shop sent.
--
-- Decisions:
--   * A status is one word for three axes; `wc-` (the database's spelling) is dropped.
--   * *_gmt times are UTC without a mark. Old versions lack them, and then the local time is
--     resolved in the shop's zone, unless it bears an offset; they may lack the change time,
--     and then the creation time stands in. WordPress writes "never" as year 0 or -1. A time
--     nobody can read goes on as text, for the gate to name.
--   * Refund totals are negative; refunded is positive, null when the shop does not tell.
--   * An order canceled, trashed, or refunded before it was completed has nothing to ship.
WITH parsed AS (
    SELECT page, record, json_transform(body, '{
        "id": "VARCHAR", "number": "VARCHAR", "status": "VARCHAR", "currency": "VARCHAR",
        "date_created": "VARCHAR", "date_created_gmt": "VARCHAR",
        "date_modified": "VARCHAR", "date_modified_gmt": "VARCHAR",
        "date_paid": "VARCHAR", "date_paid_gmt": "VARCHAR",
        "date_completed": "VARCHAR", "date_completed_gmt": "VARCHAR",
        "discount_total": "VARCHAR", "shipping_total": "VARCHAR",
        "total": "VARCHAR", "total_tax": "VARCHAR", "payment_method": "VARCHAR",
        "billing": {
            "first_name": "VARCHAR", "last_name": "VARCHAR", "company": "VARCHAR",
            "address_1": "VARCHAR", "address_2": "VARCHAR", "city": "VARCHAR",
            "state": "VARCHAR", "postcode": "VARCHAR", "country": "VARCHAR",
            "email": "VARCHAR", "phone": "VARCHAR"
        },
        "shipping": {
            "first_name": "VARCHAR", "last_name": "VARCHAR", "company": "VARCHAR",
            "address_1": "VARCHAR", "address_2": "VARCHAR", "city": "VARCHAR",
            "state": "VARCHAR", "postcode": "VARCHAR", "country": "VARCHAR",
            "phone": "VARCHAR"
        },
        "line_items": [{
            "id": "VARCHAR", "name": "VARCHAR", "quantity": "VARCHAR", "sku": "VARCHAR",
            "total": "VARCHAR", "total_tax": "VARCHAR", "bundled_by": "VARCHAR",
            "bundled_items": ["VARCHAR"], "composite_parent": "VARCHAR",
            "composite_children": ["VARCHAR"]
        }],
        "shipping_lines": [{
            "method_title": "VARCHAR", "method_id": "VARCHAR",
            "meta_data": [{"key": "VARCHAR", "value": "VARCHAR"}]
        }],
        "meta_data": [{"key": "VARCHAR", "value": "VARCHAR"}],
        "refunds": [{"total": "VARCHAR"}]
    }') AS o
    FROM records
),

clean AS (
    SELECT
        p.page,
        p.record,
        p.o,
        i.time_zone,
        lower(regexp_replace(trim(p.o.status), '^wc-', '')) AS word,
        nullif(regexp_replace(p.o.date_created_gmt, '^(0000|-).*$', ''), '') AS created_gmt,
        nullif(regexp_replace(p.o.date_created, '^(0000|-).*$', ''), '') AS created_local,
        nullif(regexp_replace(p.o.date_modified_gmt, '^(0000|-).*$', ''), '') AS modified_gmt,
        nullif(regexp_replace(p.o.date_modified, '^(0000|-).*$', ''), '') AS modified_local,
        coalesce(nullif(p.o.date_paid_gmt, ''), p.o.date_paid, '') NOT SIMILAR TO '((0000|-).*)?'
            AS paid,
        coalesce(nullif(p.o.date_completed_gmt, ''), p.o.date_completed, '')
            NOT SIMILAR TO '((0000|-).*)?' AS was_completed,
        list_transform(
            p.o.refunds, lambda r: abs(try_cast(r.total AS DECIMAL(18, 4)))
        ) AS refund_totals
    FROM parsed AS p CROSS JOIN batch_info AS i
)

SELECT
    page,
    record,
    o,
    word,
    paid,
    was_completed,
    word IN ('cancelled', 'trash') OR (word = 'refunded' AND NOT was_completed) AS canceled,
    word = 'completed' OR (word = 'refunded' AND was_completed) AS fulfilled,
    try_cast(o.total AS DECIMAL(18, 4)) AS total,
    CASE WHEN refund_totals IS NOT NULL THEN coalesce(list_sum(refund_totals), 0) END AS refunded,
    len(list_filter(refund_totals, lambda x: x IS NULL)) > 0 AS refund_unreadable,
    coalesce(
        created_gmt || CASE
            WHEN regexp_matches(created_gmt, '(Z|[+-]\d\d:?\d\d)$') THEN '' ELSE 'Z'
        END,
        CASE WHEN NOT regexp_matches(created_local, '(Z|[+-]\d\d:?\d\d)$')
            THEN CAST(timezone(time_zone, try_cast(created_local AS TIMESTAMP)) AS VARCHAR) END,
        created_local
    ) AS created_at,
    coalesce(
        modified_gmt || CASE
            WHEN regexp_matches(modified_gmt, '(Z|[+-]\d\d:?\d\d)$') THEN '' ELSE 'Z'
        END,
        CASE WHEN NOT regexp_matches(modified_local, '(Z|[+-]\d\d:?\d\d)$')
            THEN CAST(timezone(time_zone, try_cast(modified_local AS TIMESTAMP)) AS VARCHAR) END,
        modified_local
    ) AS modified_at,
    list_filter(
        o.shipping_lines, lambda l: regexp_matches(l.method_id, '^(local_pickup|pickup_location)')
    )[1] AS pickup
FROM clean
