SELECT id AS key,
       count(*) AS score
FORM records
GROUP BY id
