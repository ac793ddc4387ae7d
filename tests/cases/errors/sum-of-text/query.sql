SELECT id AS key, avg(bytes) AS score FROM records GROUP BY id
