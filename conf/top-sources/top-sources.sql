-- Finds: the 20 sources with the most requests in a web server's access log.
-- Why it matters: who asks most is who to know first: a crawler, a broken client, a scraper.
-- Reads: source_ip (text), timestamp (time), url_original (text),
--   http_response_status_code (integer), http_response_body_bytes (integer, may be null).
-- Parameters: 20, the number of sources, is a screenful.
-- Findings: key: the source. score: its requests, from 1 up; high stands out.
--   bytes: sent to it. errors: its 4xx and 5xx answers. urls: distinct ones it asked for.
--   first_seen, last_seen: its first and last request.
-- Known limits: sources behind one address (a proxy, NAT) are one source.
-- Run it: ./standalone.sh -d conf/top-sources/top-sources.conf
-- References: https://httpd.apache.org/docs/2.4/logs.html#combined
SELECT   source_ip                                                AS key,
         count(*)                                                 AS score,
         coalesce(sum(http_response_body_bytes), 0)               AS bytes,
         count(*) FILTER (WHERE http_response_status_code >= 400) AS errors,
         count(DISTINCT url_original)                             AS urls,
         min(timestamp)                                           AS first_seen,
         max(timestamp)                                           AS last_seen
FROM     records
GROUP BY source_ip
ORDER BY score DESC, key
LIMIT    20
