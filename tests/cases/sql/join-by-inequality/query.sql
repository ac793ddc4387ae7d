SELECT hosts.owner AS key, count(*) AS score, max(records.source) AS last
FROM records JOIN hosts ON records.source < hosts.ip
GROUP BY hosts.owner
