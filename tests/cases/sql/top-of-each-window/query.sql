SELECT source AS key, count(*) AS score
FROM records
GROUP BY source
ORDER BY score DESC, key
LIMIT 2
