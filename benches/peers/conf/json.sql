SELECT   "source.ip"                     AS key,
         count(*)                        AS score,
         sum("http.response.body.bytes") AS bytes
FROM     records
GROUP BY "source.ip"
