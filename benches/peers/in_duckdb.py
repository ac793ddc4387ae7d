"""The jobs in DuckDB: `in_duckdb.py JOB DATA RESULT`."""

import sys

import duckdb

QUERIES = {
    # Words stand one space apart; `string_split` is several times as fast as a regex.
    "wordcount": """
        SELECT word, count(*)
        FROM (SELECT unnest(string_split(lower(line), ' ')) AS word
              FROM read_csv('{data}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '',
                            escape = '', header = false, auto_detect = false))
        WHERE word <> ''
        GROUP BY word""",
    # The CSV reader takes a log line for five fields, one in quotes: faster than a regex.
    "status": """
        SELECT source,
               count(*) FILTER (WHERE starts_with(code, '2')),
               count(*) FILTER (WHERE starts_with(code, '5'))
        FROM read_csv('{data}', delim = ' ', quote = '"', header = false, auto_detect = false,
                      columns = {{'source': 'VARCHAR', 'time': 'VARCHAR', 'request': 'VARCHAR',
                                  'code': 'VARCHAR', 'bytes': 'VARCHAR'}})
        GROUP BY source""",
    "json": """
        SELECT "source.ip", count(*), sum("http.response.body.bytes")
        FROM read_json('{data}', format = 'newline_delimited',
                       columns = {{'source.ip': 'VARCHAR', 'event.dataset': 'VARCHAR',
                                   'url.path': 'VARCHAR', 'http.response.body.bytes': 'BIGINT'}})
        WHERE starts_with("event.dataset", 'nginx.')
          AND NOT (starts_with("url.path", '/static/') OR starts_with("url.path", '/health/'))
        GROUP BY "source.ip\"""",
    # The minute's end, as dataShark shows a window.
    "stream": """
        SELECT strftime(time_bucket(INTERVAL 1 MINUTE,
                                    strptime('1970-01-' || time, '%Y-%m-[%d:%H:%M:%S]'))
                        + INTERVAL 1 MINUTE, '%Y-%m-%d %H:%M:%S') AS until,
               source,
               count(*) FILTER (WHERE starts_with(code, '2')),
               count(*) FILTER (WHERE starts_with(code, '5')) AS nxx
        FROM read_csv('{data}', delim = ' ', quote = '"', header = false, auto_detect = false,
                      columns = {{'source': 'VARCHAR', 'time': 'VARCHAR', 'request': 'VARCHAR',
                                  'code': 'VARCHAR', 'bytes': 'VARCHAR'}})
        GROUP BY until, source
        HAVING nxx >= 5""",
}

job, data, result = sys.argv[1:]
query = QUERIES[job].format(data=data)
dialect = "FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', HEADER false"
duckdb.sql(f"COPY ({query}) TO '{result}' ({dialect})")
