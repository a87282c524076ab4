-- The last file of each destination and flow. Grain and key: (destination, flow).
SELECT destination, flow, max(sequence) AS sequence
FROM files
GROUP BY destination, flow
ORDER BY destination, flow
