"""The jobs in Polars, with its streaming engine: `in_polars.py JOB DATA RESULT`."""

import sys

import polars as pl
from polars import col


#: The groups of the pattern that the job needs.
PATTERN = r'^(?<source>[^ ]+) \[[0-9:]+\] ".*" (?<code>[0-9]{3}) [^ ]+'


def lines_of(data):
    schema = {"line": pl.String}
    return pl.scan_csv(data, separator="\x01", quote_char=None, has_header=False, schema=schema)


def words(data):
    words = lines_of(data).select(col("line").str.to_lowercase().str.split(" ").alias("word"))
    return words.explode("word").filter(col("word") != "").group_by("word").agg(pl.len())


def statuses(data):
    found = lines_of(data).select(col("line").str.extract_groups(PATTERN).alias("found"))
    return count_statuses(found.unnest("found").filter(col("source").is_not_null()))


def columns_between_spaces(data):
    """Quotes are not looked at: those inside requests would end the run."""
    names = ["source", "time", "method", "url", "version", "code", "bytes"]
    schema = dict.fromkeys(names, pl.String)
    options = {"quote_char": None, "has_header": False, "truncate_ragged_lines": True}
    return count_statuses(pl.scan_csv(data, separator=" ", schema=schema, **options))


def count_statuses(log):
    return log.group_by("source").agg(
        col("code").str.starts_with("2").sum().alias("twoxx"),
        col("code").str.starts_with("5").sum().alias("nxx"),
    )


def objects(data):
    texts = ["source.ip", "event.dataset", "url.path"]
    schema = dict.fromkeys(texts, pl.String) | {"http.response.body.bytes": pl.Int64}
    path = col("url.path")
    return (
        pl.scan_ndjson(data, schema=schema)
        .filter(
            col("event.dataset").str.starts_with("nginx."),
            ~(path.str.starts_with("/static/") | path.str.starts_with("/health/")),
        )
        .group_by("source.ip")
        .agg(pl.len(), col("http.response.body.bytes").sum())
    )


JOBS = {
    "wordcount": words,
    "status": statuses,
    "status-csv": columns_between_spaces,
    "json": objects,
}

job, data, result = sys.argv[1:]
found = JOBS[job](data).collect(engine="streaming")
found.write_csv(result, separator="\t", include_header=False, quote_style="never")
