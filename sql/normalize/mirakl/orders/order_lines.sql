-- Mirakl order lines.
-- Grain: one row a line. Keys: page, record, line_id. Guarantee: each line gives one row.
--
-- Decisions: the SKU is the seller's (offer_sku), not the operator's (product_sku).
-- Canceled is the whole line where its state says so, else the units of its cancelations;
-- a line that has shipped, has shipped the rest. Refunds alone take no unit back: their
-- quantity is informative.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.order_id AS order_id,
    s.l.id AS line_id,
    s.l.sku AS channel_sku,
    s.l.title AS title,
    s.l.quantity AS ordered_quantity,
    CASE WHEN s.l.canceled THEN greatest(0, s.l.ordered)
        ELSE greatest(0, least(s.l.canceled_units, s.l.ordered)) END AS canceled_quantity,
    CASE WHEN s.l.shipped THEN greatest(0, s.l.ordered - s.l.canceled_units) ELSE 0 END
        AS shipped_quantity,
    s.l.price_unit AS unit_price,
    s.l.price AS line_amount,
    s.l.tax AS tax_amount,
    upper(trim(s.currency)) AS currency,
    'true' AS requires_shipping
FROM (
    SELECT page, record, o.order_id AS order_id, o.currency_iso_code AS currency, unnest(lines) AS l
    FROM shaped
) AS s CROSS JOIN batch_info AS i
