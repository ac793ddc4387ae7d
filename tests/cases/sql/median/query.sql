SELECT source AS key, median(CAST(bytes AS DOUBLE)) AS score FROM records GROUP BY source
