-- Grain: one row a gate that is shut. Keys: gate. Guarantee: a gate never judged is open.
SELECT gate, coalesce(reason, 'no reason stored') AS reason
FROM gates
WHERE verdict = 'shut'
ORDER BY gate
