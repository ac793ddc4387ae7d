SELECT r.source AS key, count(*) AS score, w.reason
FROM records r JOIN watched w ON r.source = w.ip
GROUP BY r.source, w.reason
