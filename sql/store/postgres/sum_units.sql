-- sum(bigint) gives bigint here as it does in the embedded store: PostgreSQL's own gives
-- numeric, which cannot be told from a sum of money. Found first by the session's search path.
CREATE OR REPLACE AGGREGATE sum(bigint) (
    SFUNC = int8pl, STYPE = bigint, COMBINEFUNC = int8pl, PARALLEL = SAFE
)
