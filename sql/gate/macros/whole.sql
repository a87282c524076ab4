-- Whole units from their text ('2', '2.00'); null when absent, no number, or a fraction.
-- Most are plain digits, and most others have nine decimals at most: arithmetic on 128 bits,
-- which is ten times slower, is left to the rest.
CREATE OR REPLACE MACRO whole(x) AS
    CASE WHEN x = CAST(try_cast(x AS BIGINT) AS VARCHAR) THEN try_cast(x AS BIGINT)
         WHEN x = '' OR contains(x, '_') THEN NULL
         WHEN try_cast(x AS DECIMAL(18, 9)) % CAST(1 AS DECIMAL(18, 9)) = 0
         THEN CAST(try_cast(x AS DECIMAL(18, 9)) AS BIGINT)
         WHEN try_cast(x AS DECIMAL(30, 9)) % 1 = 0
         THEN try_cast(try_cast(x AS DECIMAL(30, 9)) AS BIGINT)
    END
