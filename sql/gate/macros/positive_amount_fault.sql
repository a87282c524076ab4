-- Why a text is no amount of zero or more; null when it is one, or absent.
CREATE OR REPLACE TEMP MACRO positive_amount_fault(field, x) AS
    coalesce(
        amount_fault(field, x),
        CASE WHEN amount(x) < 0 THEN field || ': negative; write it as a positive amount' END)
