-- Sales files: who receives an order.
-- Grain: one row an order that names anybody or any place. Keys: page, record.
-- A till mostly names nobody. A country nobody wrote is the channel's.
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.order_number AS order_id,
    nullif(trim(s.name), '') AS name,
    s.email,
    s.phone,
    nullif(trim(s.address1), '') AS address1,
    nullif(trim(s.address2), '') AS address2,
    s.postal_code,
    nullif(trim(s.city), '') AS city,
    upper(coalesce(s.country, i.country)) AS country
FROM shaped AS s CROSS JOIN batch_info AS i
WHERE coalesce(s.name, s.email, s.phone, s.address1, s.postal_code, s.city, s.country) IS NOT NULL
