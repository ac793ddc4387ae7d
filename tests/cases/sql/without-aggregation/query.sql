SELECT source AS key, bytes * 2 AS score, upper(user) AS user
FROM records
WHERE path = '/a' AND source LIKE '192.%' OR user IS NULL
