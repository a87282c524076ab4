-- Forget what shadows of plans made before $before would have shipped otherwise.
-- Grain: one row a line and location that is deleted.
DELETE FROM shadow_lines
WHERE plan_id IN (SELECT plan_id FROM shadow_plans WHERE planned_at < $before)
