SELECT Source AS key, count(*) AS score, count(source) AS lower
FROM records
GROUP BY Source
