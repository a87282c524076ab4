-- All parts of the orders of tmp_active that were not refused or canceled. Grain and key: fo_id.
SELECT fo_id
FROM tmp_active_parts
WHERE state IN ('planned', 'dispatched', 'accepted', 'shipped', 'partially_shipped')
