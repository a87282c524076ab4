-- Why a text (`x`, `money` as a number) is no amount of zero or more; null when it is one, or
-- absent.
CREATE OR REPLACE MACRO positive_amount_fault(field, x, money) AS
    CASE WHEN money IS NULL AND x <> '' THEN field || ': not a number; write it as 12.50'
         WHEN money < 0 THEN field || ': negative; write it as a positive amount' END
