SELECT records.source AS key, watched.weight * count(*) AS score, watched.reason
FROM records JOIN watched ON records.source = watched.ip
GROUP BY records.source, watched.weight, watched.reason
