-- Grain: bills in use that are no kit's any more (tmp_bills has those that are). Keys: bill_id, sku.
UPDATE bills
SET in_use = FALSE, changed_at = $now
WHERE in_use AND NOT EXISTS (SELECT 1 FROM tmp_bills AS f WHERE f.bill_id = bills.bill_id)
