SELECT source_ip AS key, 1 AS score FROM records
