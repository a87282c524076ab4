-- Grain: one row a contact candidate, with the first test it failed (`fault`).
-- Keys: page, record, order_id. Guarantee: a country that is no alpha-2 code, or a position off
-- the globe, becomes null: unknown, never a reason to keep an order back.
SELECT
    page,
    record,
    CASE WHEN order_id IS NULL THEN 'order_contacts.order_id: missing; send the record with it'
         WHEN (page, record, order_id) IN (
             SELECT page, record, order_id FROM candidate_order_contacts
             GROUP BY page, record, order_id HAVING count(*) > 1)
         THEN 'order_contacts: two receivers of one order; send one'
         WHEN (page, record, order_id) NOT IN (
             SELECT page, record, order_id FROM gated_orders WHERE order_id IS NOT NULL)
         THEN 'order_contacts: of another order than the record''s; send it with its order'
    END AS fault,
    order_id,
    name,
    company,
    email,
    phone,
    address1,
    address2,
    nullif(trim(postal_code), '') AS postal_code,
    city,
    region,
    CASE WHEN regexp_full_match(upper(trim(country)), '[A-Z]{2}') THEN upper(trim(country)) END
        AS country,
    CASE WHEN try_cast(latitude AS DOUBLE) BETWEEN -90 AND 90 THEN try_cast(latitude AS DOUBLE) END
        AS latitude,
    CASE WHEN try_cast(longitude AS DOUBLE) BETWEEN -180 AND 180
         THEN try_cast(longitude AS DOUBLE) END AS longitude
FROM candidate_order_contacts
