-- proxy-websites.sql over logs that have the host within the URL alone, as Squid's. What it finds and
-- reads is said there; it reads url_original (text) in place of url_domain.
-- Run it: ./standalone.sh -d conf/proxy-websites/proxy-websites-squid.conf
WITH requests AS (
    SELECT url_part(url_original, 'host') AS host,
           coalesce(user_name, source_ip) AS who,
           http_response_bytes            AS size,
           event_action                   AS action,
           timestamp                      AS seen
    FROM   records
)
SELECT   coalesce(registered_domain(host), lower(host))    AS key,
         count(*)                                          AS score,
         count(DISTINCT who)                               AS users,
         coalesce(sum(size), 0)                            AS bytes,
         count(*) FILTER (WHERE action LIKE 'TCP_DENIED%') AS denied,
         min(seen)                                         AS first_seen,
         max(seen)                                         AS last_seen
FROM     requests
WHERE    host IS NOT NULL
GROUP BY coalesce(registered_domain(host), lower(host))
ORDER BY score DESC, key
LIMIT    100
