SELECT coalesce(hosts.owner, records.source) AS key, count(records.source) AS score
FROM records FULL JOIN hosts ON records.source = hosts.ip
GROUP BY coalesce(hosts.owner, records.source)
