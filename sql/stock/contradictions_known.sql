-- Contradictions of tmp_contradictions that are told already. Grain: their key.
SELECT c.kind, c.location_id, c.sku, c.subject, c.units AS units_before, c.found_at, c.state
FROM stock_contradictions c
JOIN tmp_contradictions t ON t.kind = c.kind AND t.location_id = c.location_id
    AND t.sku = c.sku AND t.subject = c.subject
