-- Cancel the fulfillment orders of tmp_unwanted that stand in no file. Grain: fo_id.
UPDATE fulfillment_orders
SET state = 'canceled', closed_at = $now
WHERE file_name IS NULL AND state = 'planned'
    AND fo_id IN (SELECT u.fo_id FROM tmp_unwanted u WHERE NOT u.sent)
