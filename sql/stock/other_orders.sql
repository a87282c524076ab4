-- The fulfillment orders of tmp_others, as the ledger looks at them. Grain: fo_id.
SELECT fo_id, location_id, state, planned_at, closed_at FROM tmp_others
