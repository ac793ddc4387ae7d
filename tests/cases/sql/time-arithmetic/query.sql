SELECT date_part('hour', timestamp) AS key,
       date_part('epoch', max(timestamp)) - date_part('epoch', min(timestamp)) AS score,
       count(*) AS n
FROM records
GROUP BY date_part('hour', timestamp)
