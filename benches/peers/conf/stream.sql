SELECT   source                                                   AS key,
         count(*) FILTER (WHERE starts_with(response_code, '2')) AS score,
         count(*) FILTER (WHERE starts_with(response_code, '5')) AS nxx
FROM     records
GROUP BY source
HAVING   count(*) FILTER (WHERE starts_with(response_code, '5')) >= 5
