-- An amount of money from its text; null when it is absent or no number.
CREATE OR REPLACE MACRO amount(x) AS
    CASE WHEN x <> '' AND NOT contains(x, '_') THEN try_cast(x AS DECIMAL(18, 4)) END
