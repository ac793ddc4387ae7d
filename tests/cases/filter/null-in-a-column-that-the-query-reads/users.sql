SELECT coalesce(user, 'nobody') AS key, count(*) AS score FROM records GROUP BY user
