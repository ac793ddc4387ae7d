SELECT records.id AS key, 1 AS score,
       hosts.ownr
FROM records JOIN hosts ON records.id = hosts.ip
