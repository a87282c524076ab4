-- Rows of dispatch files for the (fo_id, action) of tmp_due, in the order they stand in a file.
-- Grain and key: (action, fo_id, line_id, sku). Personal data: for the file only.
-- Lines of a fulfillment order never change once planned, so the rows of a file are fixed.
-- unit_value: what the customer pays, tax included, whether or not the channel's prices hold it;
-- a component carries its share of the kit's price.
SELECT f.location_id AS destination, d.action, f.fo_id, f.order_id, o.number, f.ship_by, f.service,
    f.carrier_id, l.sku, l.line_id, l.quantity,
    CASE
        WHEN coalesce(n.units_per, 1) = 1 AND coalesce(o.prices_include_tax, true)
            AND b.bill_id IS NULL
            THEN n.unit_price
        ELSE CAST((n.unit_price + CASE
            WHEN coalesce(o.prices_include_tax, true) OR n.ordered_quantity = 0 THEN 0
            ELSE coalesce(n.tax_amount, 0) / n.ordered_quantity
        END) / coalesce(n.units_per, 1)
            * CAST(coalesce(b.price_share, 1) AS decimal(18, 10)) AS decimal(18, 4))
    END AS unit_value,
    coalesce(n.currency, o.currency) AS currency,
    c.name, c.company, c.address1, c.address2, c.postal_code, c.city, c.region, c.country, c.phone,
    c.email
FROM tmp_due d
JOIN tmp_due_parts f ON f.fo_id = d.fo_id
JOIN tmp_due_lines l ON l.fo_id = f.fo_id
LEFT JOIN bills b ON b.bill_id = l.bill_id AND b.sku = l.sku
LEFT JOIN tmp_due_orders o ON o.order_id = f.order_id
LEFT JOIN tmp_due_order_lines n ON n.order_id = f.order_id AND n.line_id = l.line_id
LEFT JOIN tmp_due_contacts c ON c.order_id = f.order_id
WHERE l.quantity > 0
ORDER BY f.location_id, d.action, f.fo_id, l.line_id, l.sku
