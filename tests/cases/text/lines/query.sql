SELECT line AS key, count(*) AS score, max(character_length(line)) AS length FROM records GROUP BY line
