-- Why a code in upper case is no currency of ISO 4217; null when it is one.
CREATE OR REPLACE MACRO currency_fault(field, x) AS
    CASE WHEN x IS NULL OR x = '' THEN field || ': missing; send it, or set the channel''s currency'
         WHEN try_cast(x AS currency_code) IS NULL
         THEN field || ': not a currency code of ISO 4217; mend the code'
    END
