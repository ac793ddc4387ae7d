SELECT "source.ip" AS key,
       count(*) AS score,
       count(*) FILTER (WHERE "event.action" = 'login') AS logins
FROM records
GROUP BY "source.ip"
