SELECT hosts.ip AS key, count(records.source) AS score
FROM records RIGHT JOIN hosts ON records.source = hosts.ip
GROUP BY hosts.ip
