-- Why a text is no amount of money; null when it is one, or absent.
CREATE OR REPLACE TEMP MACRO amount_fault(field, x) AS
    CASE WHEN x <> '' AND amount(x) IS NULL THEN field || ': not a number; write it as 12.50' END
