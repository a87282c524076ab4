-- Return rows of sales files to canonical return lines.
-- Grain: one row a line given back. Keys: return_id, line_id.
-- Quantities may be negative in a file and are positive here. A row without line_id is known
-- by its SKU. A till speaks the merchant's own SKUs, so its goods are known even where the
-- sale is not; a private sale's are found by the order line.
WITH rows AS (
    SELECT s.page, s.record, s.order_number, s.placed_at, s.kind, unnest(s.listed) AS r
    FROM shaped AS s
)

SELECT
    x.page,
    x.record,
    i.channel_id || '/' || x.order_number || '/' || x.placed_at AS return_id,
    coalesce(x.r.line_id, x.r.sku) AS line_id,
    CASE
        WHEN count(*) = count(try_cast(x.r.quantity AS BIGINT))
            THEN CAST(sum(abs(try_cast(x.r.quantity AS BIGINT))) AS VARCHAR)
        ELSE max(x.r.quantity)
    END AS quantity,
    any_value(x.r.sku) FILTER (WHERE x.kind = 'till') AS sku,
    any_value(x.r.status) AS reason_raw
FROM rows AS x CROSS JOIN batch_info AS i
GROUP BY ALL
