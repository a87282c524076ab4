-- Cancellations in the accepted files of tmp_answers, but for those refused by line, which are
-- in tmp_kept. Grain: fo_id.
UPDATE fulfillment_orders
SET state = 'canceled', closed_at = $now
WHERE state = 'cancel_requested'
    AND cancel_file_name IN (SELECT a.name FROM tmp_answers a WHERE a.state = 'accepted')
    AND fo_id NOT IN (SELECT k.fo_id FROM tmp_kept k)
