-- Sales files to canonical order lines.
-- Grain: one row a row of the file. Keys: order_id, line_id.
-- A row without line_id takes its rank in the order. What a till sold has left its store.
WITH rows AS (
    SELECT s.*, unnest(s.listed) AS r, unnest(range(1, len(s.listed) + 1)) AS rank
    FROM shaped AS s
)

SELECT
    x.page,
    x.record,
    i.channel_id || '/' || x.order_number AS order_id,
    coalesce(x.r.line_id, CAST(x.rank AS VARCHAR)) AS line_id,
    x.r.sku AS channel_sku,
    nullif(trim(x.r.title), '') AS title,
    x.r.quantity AS ordered_quantity,
    CASE WHEN x.order_status = 'canceled' THEN x.r.quantity ELSE '0' END AS canceled_quantity,
    CASE WHEN x.order_status = 'closed' THEN x.r.quantity ELSE '0' END AS shipped_quantity,
    x.r.unit_price,
    try_cast(x.r.quantity AS DECIMAL(18, 4)) * try_cast(x.r.unit_price AS DECIMAL(18, 4))
        AS line_amount,
    upper(coalesce(x.currency, i.currency)) AS currency,
    CASE WHEN x.kind = 'till' THEN 'false' ELSE 'true' END AS requires_shipping,
    CASE WHEN x.kind = 'till' THEN coalesce(x.r.location_id, x.location) END AS location_id
FROM rows AS x CROSS JOIN batch_info AS i
