SELECT source AS key, bytes AS score, n
FROM (
    SELECT source,
           bytes,
           row_number() OVER (PARTITION BY source ORDER BY bytes DESC) AS place,
           count(*) OVER (PARTITION BY source) AS n
    FROM records
)
WHERE place = 1
