-- A time from its text in ISO 8601 with an offset; null when it is not one.
CREATE OR REPLACE MACRO moment(x) AS
    CASE WHEN regexp_full_match(
        x, '\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)')
    THEN try_cast(x AS TIMESTAMPTZ) END
