"""The jobs in Polars, with its streaming engine: `in_polars.py JOB DATA RESULT`."""

import sys

import polars as pl
from polars import col


def words(data):
    schema = {"line": pl.String}
    lines = pl.scan_csv(data, separator="\x01", quote_char=None, has_header=False, schema=schema)
    words = lines.select(col("line").str.to_lowercase().str.split(" ").alias("word"))
    return words.explode("word").filter(col("word") != "").group_by("word").agg(pl.len())


def statuses(data):
    schema = dict.fromkeys(["source", "time", "request", "code", "bytes"], pl.String)
    log = pl.scan_csv(data, separator=" ", quote_char='"', has_header=False, schema=schema)
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


JOBS = {"wordcount": words, "status": statuses, "json": objects}

job, data, result = sys.argv[1:]
found = JOBS[job](data).collect(engine="streaming")
found.write_csv(result, separator="\t", include_header=False, quote_style="never")
