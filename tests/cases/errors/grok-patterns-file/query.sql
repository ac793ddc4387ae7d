SELECT id AS key, 1 AS score FROM records
