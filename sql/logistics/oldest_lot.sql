-- The oldest count of a location that lots are kept of. Grain: one row; null when there is none.
SELECT min(counted_at) AS counted_at FROM stock_lots WHERE location_id = $location_id
