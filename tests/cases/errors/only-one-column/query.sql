SELECT id FROM records
