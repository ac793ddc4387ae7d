SELECT paths AS key, count(*) AS score, max(n) AS most
FROM (
    SELECT source, count(DISTINCT path) AS paths, count(*) AS n
    FROM records
    GROUP BY source
)
GROUP BY paths
