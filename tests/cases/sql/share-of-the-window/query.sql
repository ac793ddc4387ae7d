SELECT source AS key, 100.0 * count(*) / (SELECT count(*) FROM records) AS score
FROM records
GROUP BY source
HAVING count(*) > 1
