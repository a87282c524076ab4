-- WooCommerce receivers.
-- Grain: one row a record. Keys: page, record.
-- The shipping address where it says anything, else the billing address, never a mixture.
-- The e-mail stands under billing only; a shipping phone is newer than some shops.
WITH chosen AS (
    SELECT
        page,
        record,
        o,
        coalesce(
            nullif(trim(o.shipping.address_1), ''), nullif(trim(o.shipping.city), ''),
            nullif(trim(o.shipping.postcode), '')
        ) IS NOT NULL AS ships_elsewhere
    FROM shaped
),

receiver AS (
    SELECT
        page,
        record,
        o,
        CASE WHEN ships_elsewhere THEN o.shipping.first_name ELSE o.billing.first_name END AS first_name,
        CASE WHEN ships_elsewhere THEN o.shipping.last_name ELSE o.billing.last_name END AS last_name,
        CASE WHEN ships_elsewhere THEN o.shipping.company ELSE o.billing.company END AS company,
        CASE WHEN ships_elsewhere THEN o.shipping.address_1 ELSE o.billing.address_1 END AS address_1,
        CASE WHEN ships_elsewhere THEN o.shipping.address_2 ELSE o.billing.address_2 END AS address_2,
        CASE WHEN ships_elsewhere THEN o.shipping.postcode ELSE o.billing.postcode END AS postcode,
        CASE WHEN ships_elsewhere THEN o.shipping.city ELSE o.billing.city END AS city,
        CASE WHEN ships_elsewhere THEN o.shipping.state ELSE o.billing.state END AS state,
        CASE WHEN ships_elsewhere THEN o.shipping.country ELSE o.billing.country END AS country
    FROM chosen
)

SELECT
    r.page,
    r.record,
    i.channel_id || '/' || r.o.id AS order_id,
    nullif(trim(concat_ws(' ', trim(r.first_name), trim(r.last_name))), '') AS name,
    nullif(trim(r.company), '') AS company,
    nullif(trim(r.o.billing.email), '') AS email,
    coalesce(nullif(trim(r.o.shipping.phone), ''), nullif(trim(r.o.billing.phone), '')) AS phone,
    nullif(trim(r.address_1), '') AS address1,
    nullif(trim(r.address_2), '') AS address2,
    nullif(trim(r.postcode), '') AS postal_code,
    nullif(trim(r.city), '') AS city,
    nullif(trim(r.state), '') AS region,
    nullif(upper(trim(r.country)), '') AS country
FROM receiver AS r CROSS JOIN batch_info AS i
