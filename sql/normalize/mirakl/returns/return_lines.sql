-- Lines of Mirakl returns.
-- Grain: one row a return and order line. Keys: page, record, line_id. Guarantee: units of
-- one order line that stand in several rows are added up. The reason is the return's.
WITH lines AS (
    SELECT
        s.page,
        s.record,
        i.channel_id || '/' || s.id AS return_id,
        s.l.order_line_id AS line_id,
        try_cast(s.l.quantity AS DECIMAL(18, 3)) AS units
    FROM (SELECT page, record, r.id AS id, unnest(r.return_lines) AS l FROM shaped) AS s
    CROSS JOIN batch_info AS i
)

SELECT
    page,
    record,
    return_id,
    line_id,
    CASE
        WHEN count(*) > count(units) THEN NULL
        WHEN min(units) < 0 THEN min(units)
        ELSE sum(units)
    END AS quantity
FROM lines
GROUP BY page, record, return_id, line_id
