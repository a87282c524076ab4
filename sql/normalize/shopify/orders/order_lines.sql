-- Shopify order lines.
-- Grain: one row a line. Keys: page, record, line_id. Guarantee: each line gives one row,
-- lines set to zero by an edit included; a line without SKU keeps a null.
--
-- Decisions:
--   * Canceled and shipped as worked out in shape.sql.
--   * The line amount is price x ordered units less the discounts allocated to the line.
--     Shopify keeps allocations as they were for the ordered units, so this holds for the
--     ordered quantity, whatever was edited since; the unit price is its share.
--   * A store sale names the location it was handed over at: options.locations translates.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    l.id AS line_id,
    l.sku AS channel_sku,
    l.title AS title,
    l.quantity AS ordered_quantity,
    greatest(0, least(
        l.ordered - l.current,
        l.ordered - l.shipped
        - coalesce(l.to_ship, least(l.current, l.ordered - l.shipped))
    )) AS canceled_quantity,
    greatest(0, l.shipped) AS shipped_quantity,
    coalesce(
        CAST(round(
            (try_cast(l.unit_price AS DECIMAL(18, 4)) * l.ordered - l.discount)
            / nullif(l.ordered, 0), 4
        ) AS VARCHAR),
        l.unit_price
    ) AS unit_price,
    try_cast(l.unit_price AS DECIMAL(18, 4)) * l.ordered - l.discount AS line_amount,
    l.tax AS tax_amount,
    s.currency,
    l.requires_shipping,
    l.keep_together,
    CASE WHEN s.o.shippingAddress IS NULL AND s.o.shipping_address IS NULL THEN coalesce(
        json_extract_string(
            i.options, '$.locations."'
            || split_part(coalesce(s.o.retailLocation.id, s.o.location_id), '/', -1) || '"'
        ),
        split_part(coalesce(s.o.retailLocation.id, s.o.location_id), '/', -1)
    ) END AS location_id
FROM shaped AS s CROSS JOIN batch_info AS i CROSS JOIN unnest(s.lines) AS u (l)
