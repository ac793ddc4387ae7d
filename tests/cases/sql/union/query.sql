SELECT source AS key, count(*) AS score FROM records GROUP BY source
UNION ALL
SELECT user, count(*) FROM records WHERE user IS NOT NULL GROUP BY user
