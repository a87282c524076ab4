-- Forget alarms of levels that were closed before $before. Grain: one row an alarm that is deleted.
DELETE FROM level_alarms WHERE closed_at < $before
