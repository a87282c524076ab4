-- WooCommerce line items to canonical order lines.
-- Grain: one row a line item. Keys: order_id, line_id.
--
-- Decisions:
--   * `total` is for the whole quantity, after discounts, without tax; a unit's price is
--     total / quantity (`price` is a float, and before rounding: 10.799999999999999).
--   * Fees, shipping and coupons are no lines: they stand in the order's amounts.
--   * A SKU of "" is none: the product has none, or was deleted. The line is kept and waits.
--   * Parent and children of a bundle or composite keep together under the parent's line.
--   * An order does not tell which goods are virtual: requires_shipping stays unknown.
--   * The record tells nothing of refunded lines: stream refunds does.
WITH lines AS (
    SELECT s.page, s.record, s.o.id AS order_number, s.o.currency, s.canceled, s.fulfilled,
        unnest(s.o.line_items) AS l
    FROM shaped AS s
)

SELECT
    x.page,
    x.record,
    i.channel_id || '/' || x.order_number AS order_id,
    x.l.id AS line_id,
    nullif(trim(x.l.sku), '') AS channel_sku,
    replace(replace(replace(replace(replace(replace(replace(replace(
        x.l.name, '&ndash;', '–'), '&#8211;', '–'), '&times;', '×'), '&quot;', '"'),
        '&#039;', ''''), '&lt;', '<'), '&gt;', '>'), '&amp;', '&') AS title,
    x.l.quantity AS ordered_quantity,
    CASE WHEN x.canceled THEN x.l.quantity ELSE '0' END AS canceled_quantity,
    CASE WHEN x.fulfilled THEN x.l.quantity ELSE '0' END AS shipped_quantity,
    CAST(round(
        try_cast(x.l.total AS DECIMAL(18, 4))
        / nullif(try_cast(x.l.quantity AS DECIMAL(18, 4)), 0), 4
    ) AS DECIMAL(18, 4)) AS unit_price,
    x.l.total AS line_amount,
    x.l.total_tax AS tax_amount,
    nullif(upper(trim(x.currency)), '') AS currency,
    coalesce(
        nullif(x.l.bundled_by, ''),
        nullif(x.l.composite_parent, ''),
        CASE WHEN len(x.l.bundled_items) > 0 OR len(x.l.composite_children) > 0 THEN x.l.id END
    ) AS keep_together
FROM lines AS x CROSS JOIN batch_info AS i
