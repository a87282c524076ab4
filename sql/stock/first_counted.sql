-- The oldest count of tmp_counted that was read late. Grain: one row; null when none was.
SELECT min(counted_at) AS counted_at FROM tmp_counted
WHERE fetched_at >= counted_at + INTERVAL '1' HOUR
