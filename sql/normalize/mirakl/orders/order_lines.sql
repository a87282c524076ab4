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
    i.channel_id || '/' || s.o.order_id AS order_id,
    l.id AS line_id,
    l.sku AS channel_sku,
    l.title AS title,
    l.quantity AS ordered_quantity,
    CASE WHEN l.canceled THEN greatest(0, l.ordered)
        ELSE greatest(0, least(l.canceled_units, l.ordered)) END AS canceled_quantity,
    CASE WHEN l.shipped THEN greatest(0, l.ordered - l.canceled_units) ELSE 0 END
        AS shipped_quantity,
    l.price_unit AS unit_price,
    l.price AS line_amount,
    l.tax AS tax_amount,
    upper(trim(s.o.currency_iso_code)) AS currency,
    'true' AS requires_shipping
FROM shaped AS s CROSS JOIN batch_info AS i CROSS JOIN unnest(s.lines) AS u (l)
