-- How one plan judged its candidates: orders by location, verdict and first failed test.
-- Grain: (location_id, verdict, failed_test). A location is judged once for each order.
SELECT location_id, verdict, failed_test, count(*) AS orders
FROM decisions
WHERE plan_id = $plan_id
GROUP BY location_id, verdict, failed_test
ORDER BY location_id, verdict, failed_test
