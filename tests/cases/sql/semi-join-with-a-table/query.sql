SELECT source AS key, count(*) AS score FROM records WHERE source IN (SELECT ip FROM hosts) GROUP BY source
