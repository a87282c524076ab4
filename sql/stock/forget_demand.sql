-- What is owed now and was not, or otherwise, is written anew; what is owed no more goes.
-- Leaves the rows of level_demand that tmp_demand has as they are.
DELETE FROM level_demand
WHERE NOT EXISTS (
    SELECT 1 FROM tmp_demand d
    WHERE d.channel_id = level_demand.channel_id AND d.sku = level_demand.sku
)
