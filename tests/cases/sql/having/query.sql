SELECT source AS key, count(*) AS score
FROM records
GROUP BY source
HAVING count(*) >= 2 AND sum(bytes) > 21
