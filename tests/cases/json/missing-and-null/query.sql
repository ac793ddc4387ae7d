SELECT name AS key, count(*) AS score, sum(bytes) AS bytes, count(bytes) AS n
FROM records
GROUP BY name
