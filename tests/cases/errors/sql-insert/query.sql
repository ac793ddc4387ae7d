INSERT INTO records SELECT * FROM records
