-- Whole units from their text ('2', '2.00'); null when absent, no number, or a fraction.
CREATE OR REPLACE TEMP MACRO whole(x) AS
    CASE WHEN x <> '' AND NOT contains(x, '_') AND try_cast(x AS DECIMAL(30, 9)) % 1 = 0
    THEN try_cast(try_cast(x AS DECIMAL(30, 9)) AS BIGINT) END
