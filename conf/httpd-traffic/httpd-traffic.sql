-- Finds: how a web server answers: requests, bytes and sources for each host and class of answers.
-- Why it matters: a share of errors that grows is a scan (4xx) or a server that breaks (5xx), and
--   requests for other servers' hosts are those of clients who look for an open proxy.
-- Reads: url_original (text), source_ip (text), http_response_status_code (integer),
--   http_response_body_bytes (integer, may be null).
-- Parameters: none.
-- Findings: key: the host that a request names, `this server` where it names none, as most do.
--   score: requests, from 1 up. status_class: 2xx, 3xx, 4xx or 5xx. bytes: sent. sources: distinct
--   ones. share: the part of the host's requests that was answered so, above 0 to 1. error_share:
--   the part of the host's requests that was answered with 4xx or 5xx, 0 to 1, the same in all rows
--   of a host; high stands out.
-- Known limits: a combined log does not say which of several virtual hosts was asked; README.md says
--   how to log and read that.
-- Run it: ./standalone.sh -d conf/httpd-traffic/httpd-traffic.conf
-- References: https://httpd.apache.org/docs/2.4/logs.html#combined, RFC 9110 section 15
WITH requests AS (
    SELECT coalesce(lower(url_part(url_original, 'host')), 'this server') AS host,
           CAST(http_response_status_code / 100 AS VARCHAR) || 'xx'       AS status_class,
           http_response_status_code >= 400                               AS is_error,
           http_response_body_bytes                                       AS size,
           source_ip
    FROM   records
),
classes AS (
    SELECT   host,
             status_class,
             count(*)                         AS requests,
             count(*) FILTER (WHERE is_error) AS errors,
             coalesce(sum(size), 0)           AS bytes,
             count(DISTINCT source_ip)        AS sources
    FROM     requests
    GROUP BY host, status_class
)
SELECT   host                                                                     AS key,
         requests                                                                 AS score,
         status_class,
         bytes,
         sources,
         CAST(requests AS DOUBLE) / sum(requests) OVER (PARTITION BY host)        AS share,
         CAST(sum(errors) OVER (PARTITION BY host) AS DOUBLE)
             / sum(requests) OVER (PARTITION BY host)                             AS error_share
FROM     classes
ORDER BY key, status_class
