SELECT hosts.owner AS key, count(*) AS score
FROM records CROSS JOIN hosts
WHERE records.source <> hosts.ip
GROUP BY hosts.owner
