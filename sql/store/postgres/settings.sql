-- Grain: one row. What makes a session mean the same whatever the server's own settings are.
-- The store's schema comes before pg_catalog, so that its sum(bigint) is found first.
SELECT
    set_config('TimeZone', 'UTC', false),
    set_config('DateStyle', 'ISO, YMD', false),
    set_config('extra_float_digits', '1', false),
    set_config('standard_conforming_strings', 'on', false),
    set_config('client_encoding', 'UTF8', false),
    set_config('search_path', quote_ident(coalesce(current_schema(), 'public')) || ', pg_catalog', false)
