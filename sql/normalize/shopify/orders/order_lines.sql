-- Shopify order lines.
-- Grain: one row a line. Keys: page, record, line_id. Guarantee: each line gives one row,
-- lines set to zero by an edit included; a line without SKU keeps a null.
--
-- Decisions:
--   * Canceled and shipped as worked out in shape.sql; of a canceled order, all that has not
--     shipped is canceled.
--   * The line amount is price x ordered units less the discounts allocated to the line.
--     Shopify keeps allocations as they were for the ordered units, so this holds for the
--     ordered quantity, whatever was edited since; the unit price is its share.
--   * A store sale names the location it was handed over at: options.locations translates.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    s.l.id AS line_id,
    s.l.sku AS channel_sku,
    s.l.title AS title,
    s.l.quantity AS ordered_quantity,
    greatest(0, CASE WHEN s.canceled THEN s.l.ordered - greatest(0, s.l.shipped) ELSE least(
        s.l.ordered - coalesce(s.l.current, s.l.ordered),
        s.l.ordered - s.l.shipped - coalesce(
            s.l.to_ship, least(coalesce(s.l.current, s.l.ordered), s.l.ordered - s.l.shipped)
        )
    ) END) AS canceled_quantity,
    greatest(0, s.l.shipped) AS shipped_quantity,
    CASE WHEN s.l.discount = 0 THEN s.l.unit_price ELSE coalesce(
        CAST(round(
            (try_cast(s.l.unit_price AS DECIMAL(18, 4)) * s.l.ordered - s.l.discount)
            / nullif(s.l.ordered, 0), 4
        ) AS VARCHAR),
        s.l.unit_price
    ) END AS unit_price,
    try_cast(s.l.unit_price AS DECIMAL(18, 4)) * s.l.ordered - s.l.discount AS line_amount,
    s.l.tax AS tax_amount,
    s.currency,
    s.l.requires_shipping,
    s.l.keep_together,
    CASE WHEN s.without_address THEN coalesce(
        json_extract_string(i.options, '$.locations."' || s.retail_location || '"'),
        s.retail_location
    ) END AS location_id
FROM (
    SELECT
        page, record, external_id, currency, without_address, retail_location,
        canceled_at IS NOT NULL AS canceled,
        unnest(lines) AS l
    FROM shaped
) AS s CROSS JOIN batch_info AS i
