-- States that follow from the lines, from tmp_states. Grain: fo_id. Touches what differs alone.
UPDATE fulfillment_orders
SET state = t.state, closed_at = CASE WHEN t.closed THEN $now END
FROM tmp_states t
WHERE t.fo_id = fulfillment_orders.fo_id
    AND (t.moved OR fulfillment_orders.state <> t.state)
