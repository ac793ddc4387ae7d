SELECT source AS key,
       avg(bytes) AS score,
       count(bytes) AS n_bytes,
       count(DISTINCT path) AS paths,
       count(DISTINCT user) AS users,
       min(path) AS first_path,
       max(user) AS last_user,
       sum(bytes) FILTER (WHERE path = '/a') AS bytes_of_a,
       min(bytes) AS least
FROM records
GROUP BY source
