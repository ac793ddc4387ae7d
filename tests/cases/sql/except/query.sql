SELECT source AS key, 1 AS score FROM records WHERE path = '/a'
EXCEPT
SELECT source, 1 FROM records WHERE path = '/b'
