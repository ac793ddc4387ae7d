SELECT user AS key, count(*) AS score, path
FROM records
GROUP BY user, path
