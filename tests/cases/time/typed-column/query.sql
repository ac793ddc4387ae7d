SELECT source AS key, count(*) AS score, min(time) AS first, max(time) AS last
FROM records
GROUP BY source
