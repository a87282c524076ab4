-- Lines of Shopify returns.
-- Grain: one row a return and order line. Keys: page, record, line_id. Guarantee: units of
-- one order line returned in several rows are added up, under the reason of most of them.
--
-- Decisions: the reason is the handle of the shop's own open list, or the closed word older
-- versions use; what the customer wrote goes before what the merchant noted. A line without
-- its order line (goods back from an order nobody finds) keeps a null and is told so.
WITH lines AS (
    SELECT
        s.page,
        s.record,
        i.channel_id || '/' || split_part(s.id, '/', -1) AS return_id,
        s.l,
        try_cast(s.l.quantity AS DECIMAL(18, 3)) AS units
    FROM (SELECT page, record, r.id AS id, unnest(lines) AS l FROM shaped) AS s
    CROSS JOIN batch_info AS i
)

SELECT
    page,
    record,
    return_id,
    l.line_id AS line_id,
    CASE
        WHEN count(*) > count(units) THEN NULL
        WHEN min(units) < 0 THEN min(units)
        ELSE sum(units)
    END AS quantity,
    arg_max(l.reason_raw, units) AS reason_raw,
    string_agg(DISTINCT l.reason_text, '; ' ORDER BY l.reason_text) AS reason_text
FROM lines
GROUP BY page, record, return_id, l.line_id
