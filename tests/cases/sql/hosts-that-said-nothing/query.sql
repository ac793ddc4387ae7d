SELECT hosts.ip AS key, coalesce(counted.n, 0) AS score
FROM hosts LEFT JOIN (SELECT source, count(*) AS n FROM records GROUP BY source) counted
  ON hosts.ip = counted.source
