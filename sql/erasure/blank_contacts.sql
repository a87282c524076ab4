-- Contacts of the orders of tmp_erased. Grain: order. The country alone stays.
UPDATE order_contacts
SET name = NULL, company = NULL, email = NULL, phone = NULL, address1 = NULL, address2 = NULL,
    postal_code = NULL, city = NULL, region = NULL, latitude = NULL, longitude = NULL
WHERE order_id IN (SELECT e.order_id FROM tmp_erased e)
