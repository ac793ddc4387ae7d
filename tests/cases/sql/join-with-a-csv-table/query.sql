SELECT records.source AS key, count(*) AS score, max(hosts.owner) AS owner, max(hosts.level) AS level
FROM records LEFT JOIN hosts ON records.source = hosts.ip
GROUP BY records.source
