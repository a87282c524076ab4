-- Why a word is outside its vocabulary; null when it stands in it, or is absent.
CREATE OR REPLACE MACRO word_fault(field, x, words) AS
    CASE WHEN x IS NOT NULL AND NOT list_contains(words, x)
    THEN field || ': not one of ' || array_to_string(words, ', ') || '; map the source''s word' END
