-- Cancellations a location refused: it ships all the same. Grain: fo_id.
UPDATE fulfillment_orders
SET state = 'accepted', closed_at = NULL
WHERE state IN ('cancel_requested', 'canceled') AND cancel_file_name IS NOT NULL
    AND fo_id IN (SELECT k.fo_id FROM tmp_kept k)
