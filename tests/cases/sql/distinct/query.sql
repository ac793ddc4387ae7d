SELECT DISTINCT source AS key, 1 AS score, path FROM records
