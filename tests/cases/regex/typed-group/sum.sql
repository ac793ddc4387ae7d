SELECT who AS key, sum(n) AS score FROM records GROUP BY who
