-- Cancel the fulfillment orders of tmp_replanned, of which a plan makes other ones. Grain: fo_id.
-- One that came into a dispatch file since the plan read it stays: who runs this counts.
UPDATE fulfillment_orders
SET state = 'canceled', closed_at = $now
WHERE file_name IS NULL AND state = 'planned'
    AND fo_id IN (SELECT r.fo_id FROM tmp_replanned r)
