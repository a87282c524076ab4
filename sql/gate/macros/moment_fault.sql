-- Why a text (`x`, `time` as a time) is no time, or lies past the last believable one; null
-- when it is fine or absent.
CREATE OR REPLACE MACRO moment_fault(field, x, time, latest) AS
    CASE WHEN x IS NULL OR x = '' THEN NULL
         WHEN time IS NULL
         THEN field || ': not a time with its offset; write it as 2026-01-31T09:30:00Z'
         WHEN time > latest
         THEN field || ': in the future by more than a day; mend the date or the source''s clock'
    END
