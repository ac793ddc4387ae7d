SELECT coalesce(hosts.owner, 'unknown') AS key, count(*) AS score, sum(bytes) AS bytes
FROM records LEFT JOIN hosts ON records.source = hosts.ip
GROUP BY coalesce(hosts.owner, 'unknown')
