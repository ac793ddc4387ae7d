-- Finds: the 100 websites that were asked for most through a web proxy.
-- Why it matters: where a network's users go, how much they fetch there, and what was denied; a site
--   with one user and many bytes is where data may leave.
-- Reads: url_domain (text), user_name (text, may be null), source_ip (text), http_response_bytes
--   (integer, may be null), event_action (text, may be null), timestamp (time).
-- Parameters: 100, the number of sites.
-- Findings: key: the site, the registered domain of its hosts; an address or a name of one label
--   stands for itself. score: requests, from 1 up; high stands out. users: distinct ones, by name,
--   by address where there is none. bytes: sent to them. denied: requests that the proxy denied.
--   first_seen, last_seen: its first and last request.
-- Known limits: what goes through a tunnel (CONNECT) is one request, however much it is.
-- Run it: ./standalone.sh -d conf/proxy-websites/proxy-websites.conf
-- References: https://www.w3.org/TR/WD-logfile.html, https://publicsuffix.org
WITH requests AS (
    SELECT url_domain                     AS host,
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
