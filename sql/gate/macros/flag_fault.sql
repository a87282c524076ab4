-- Why a text is neither true nor false; null when it is one of them, or absent.
CREATE OR REPLACE TEMP MACRO flag_fault(field, x) AS
    CASE WHEN x IS NOT NULL AND try_cast(x AS BOOLEAN) IS NULL
    THEN field || ': neither true nor false; mend it' END
