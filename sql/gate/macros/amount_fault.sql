-- Why a text (`x`, `money` as a number) is no amount of money; null when it is one, or absent.
CREATE OR REPLACE MACRO amount_fault(field, x, money) AS
    CASE WHEN money IS NULL AND x <> '' THEN field || ': not a number; write it as 12.50' END
