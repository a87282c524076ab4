-- Fulfillment orders of the accepted files of tmp_answers. Grain: fo_id.
UPDATE fulfillment_orders
SET state = 'accepted'
WHERE state = 'dispatched'
    AND file_name IN (SELECT a.name FROM tmp_answers a WHERE a.state = 'accepted')
