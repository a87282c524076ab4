-- Shopify orders to who receives them and where.
-- Grain: one row an order. Keys: page, record. Guarantee: each order gives one row; parts
-- the shop does not tell are null (drafts and store sales have no address at all).
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    nullif(trim(s.name), '') AS name,
    nullif(trim(s.company), '') AS company,
    nullif(trim(s.email), '') AS email,
    nullif(trim(s.phone), '') AS phone,
    nullif(trim(s.address1), '') AS address1,
    nullif(trim(s.address2), '') AS address2,
    nullif(trim(s.postal_code), '') AS postal_code,
    nullif(trim(s.city), '') AS city,
    s.region,
    upper(s.country) AS country,
    s.latitude,
    s.longitude
FROM shaped AS s CROSS JOIN batch_info AS i
