SELECT id AS key, character_length(agent) AS score, agent FROM records
