-- Ask for the cancellation of the fulfillment orders of tmp_unwanted that stand in a file.
-- Grain: fo_id. Each is asked for once: one with a cancel file is not asked for again.
UPDATE fulfillment_orders
SET state = 'cancel_requested'
WHERE file_name IS NOT NULL AND cancel_file_name IS NULL
    AND state IN ('planned', 'dispatched', 'accepted')
    AND fo_id IN (SELECT u.fo_id FROM tmp_unwanted u WHERE u.sent)
