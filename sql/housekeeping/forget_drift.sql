-- Forget drift that was explained or settled before $before. First counts of a shelf stay: by them
-- later ones are told from it. Grain: one row a case that is deleted.
DELETE FROM stock_drift
WHERE closed_at < $before AND state IN ('closed', 'explained') AND cause <> 'opening'
