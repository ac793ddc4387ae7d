"""The jobs in DuckDB: `in_duckdb.py JOB DATA RESULT`."""

import sys

import duckdb

# Lines as they are.
LINES = """
    read_csv('{data}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',
             header = false, auto_detect = false)"""

# The groups of the pattern that a job needs; no source where a line does not match.
PATTERN = r'^([^ ]+) \[[0-9:]+\] ".*" ([0-9]{3}) [^ ]+'
TIMED_PATTERN = r'^([^ ]+) \[([0-9:]+)\] ".*" ([0-9]{3}) [^ ]+'

QUERIES = {
    # Words stand one space apart; `string_split` is several times as fast as a regex.
    "wordcount": """
        SELECT word, count(*)
        FROM (SELECT unnest(string_split(lower(line), ' ')) AS word FROM {lines})
        WHERE word <> ''
        GROUP BY word""",
    "status": """
        SELECT found.source,
               count(*) FILTER (WHERE starts_with(found.code, '2')),
               count(*) FILTER (WHERE starts_with(found.code, '5'))
        FROM (SELECT regexp_extract(line, '{pattern}', ['source', 'code']) AS found FROM {lines})
        WHERE found.source <> ''
        GROUP BY found.source""",
    # Quotes are not looked at: those inside requests would end the run, or take many lines for one.
    "status-csv": """
        SELECT source,
               count(*) FILTER (WHERE starts_with(code, '2')),
               count(*) FILTER (WHERE starts_with(code, '5'))
        FROM read_csv('{data}', delim = ' ', quote = '', escape = '', header = false,
                      auto_detect = false, strict_mode = false, null_padding = true,
                      columns = {{'source': 'VARCHAR', 'time': 'VARCHAR', 'method': 'VARCHAR',
                                  'url': 'VARCHAR', 'version': 'VARCHAR', 'code': 'VARCHAR',
                                  'bytes': 'VARCHAR'}})
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
                                    strptime('1970-01-' || found.time, '%Y-%m-%d:%H:%M:%S'))
                        + INTERVAL 1 MINUTE, '%Y-%m-%d %H:%M:%S') AS until,
               found.source,
               count(*) FILTER (WHERE starts_with(found.code, '2')),
               count(*) FILTER (WHERE starts_with(found.code, '5')) AS nxx
        FROM (SELECT regexp_extract(line, '{timed_pattern}', ['source', 'time', 'code']) AS found
              FROM {lines})
        WHERE found.source <> ''
        GROUP BY until, found.source
        HAVING nxx >= 5""",
}

job, data, result = sys.argv[1:]
query = QUERIES[job].format(
    data=data, lines=LINES.format(data=data), pattern=PATTERN, timed_pattern=TIMED_PATTERN
)
dialect = "FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', HEADER false"
duckdb.sql(f"COPY ({query}) TO '{result}' ({dialect})")
