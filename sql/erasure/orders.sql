-- Orders of an id or of an e-mail address, with who received them. Grain: order.
-- Personal data: to find the same values in what was landed.
SELECT o.order_id, o.channel_id, o.external_id, o.number, c.name, c.company, c.email, c.phone,
    c.address1, c.address2
FROM orders o
LEFT JOIN order_contacts c ON c.order_id = o.order_id
WHERE o.order_id = $wanted OR lower(c.email) = lower($wanted)
ORDER BY o.order_id
