-- Why a text (`x`, `units` when whole) is no quantity of zero or more whole units; null when
-- it is one, or absent.
CREATE OR REPLACE MACRO units_fault(field, x, units) AS
    CASE WHEN x IS NULL OR x = '' OR units BETWEEN 0 AND 1000000000 THEN NULL
         WHEN contains(x, '_') OR try_cast(x AS DECIMAL(30, 9)) IS NULL
         THEN field || ': not a number; write whole units'
         WHEN try_cast(x AS DECIMAL(30, 9)) < 0 THEN field || ': negative; write zero or more'
         WHEN try_cast(x AS DECIMAL(30, 9)) > 1000000000
         THEN field || ': more than 1,000,000,000; mend the quantity'
         ELSE field || ': a fraction; only whole units can be shipped, sell them in a smaller unit'
    END
