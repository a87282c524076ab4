-- Forget the shadows of plans made before $before. Grain: one row a plan that is deleted.
DELETE FROM shadow_plans
WHERE planned_at < $before
