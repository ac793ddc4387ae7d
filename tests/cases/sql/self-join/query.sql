SELECT a.source AS key, count(*) AS score, b.source AS other
FROM records a JOIN records b ON a.user = b.user AND a.source < b.source
GROUP BY a.source, b.source
