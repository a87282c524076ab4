-- Why a text (`x`, `flag` as a boolean) is neither true nor false; null when it is, or absent.
CREATE OR REPLACE MACRO flag_fault(field, x, flag) AS
    CASE WHEN flag IS NULL AND x IS NOT NULL
    THEN field || ': neither true nor false; mend it' END
