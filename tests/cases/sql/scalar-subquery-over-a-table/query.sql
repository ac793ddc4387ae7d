SELECT source AS key, sum(bytes) AS score
FROM records
WHERE bytes > (SELECT max(least) FROM limits)
GROUP BY source
