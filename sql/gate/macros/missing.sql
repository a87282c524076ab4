-- Why a required text cannot be used: it is absent; null when it is there.
CREATE OR REPLACE MACRO missing(field, x) AS
    CASE WHEN x IS NULL OR x = '' THEN field || ': missing; send the record with it' END
