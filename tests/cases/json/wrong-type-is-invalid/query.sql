SELECT id AS key, bytes AS score, rate, ok FROM records
