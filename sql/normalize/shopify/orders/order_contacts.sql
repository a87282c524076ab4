-- Shopify orders to who receives them and where.
-- Grain: one row an order. Keys: page, record. Guarantee: each order gives one row; parts
-- the shop does not tell are null (drafts and store sales have no address at all).
SELECT
    s.page,
    s.record,
    i.channel_id || '/' || s.external_id AS order_id,
    nullif(trim(coalesce(s.o.shippingAddress.name, s.o.shipping_address.name)), '') AS name,
    nullif(trim(coalesce(s.o.shippingAddress.company, s.o.shipping_address.company)), '')
        AS company,
    nullif(trim(coalesce(s.o.email, s.o.contact_email)), '') AS email,
    nullif(trim(coalesce(s.o.shippingAddress.phone, s.o.shipping_address.phone, s.o.phone)), '')
        AS phone,
    nullif(trim(coalesce(s.o.shippingAddress.address1, s.o.shipping_address.address1)), '')
        AS address1,
    nullif(trim(coalesce(s.o.shippingAddress.address2, s.o.shipping_address.address2)), '')
        AS address2,
    nullif(trim(coalesce(s.o.shippingAddress.zip, s.o.shipping_address.zip)), '') AS postal_code,
    nullif(trim(coalesce(s.o.shippingAddress.city, s.o.shipping_address.city)), '') AS city,
    coalesce(s.o.shippingAddress.provinceCode, s.o.shipping_address.province_code) AS region,
    upper(coalesce(s.o.shippingAddress.countryCodeV2, s.o.shipping_address.country_code))
        AS country,
    coalesce(s.o.shippingAddress.latitude, s.o.shipping_address.latitude) AS latitude,
    coalesce(s.o.shippingAddress.longitude, s.o.shipping_address.longitude) AS longitude
FROM shaped AS s CROSS JOIN batch_info AS i
