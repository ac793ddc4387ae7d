SELECT id, source FROM records
