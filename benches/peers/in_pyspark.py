"""The jobs in PySpark on two local threads: `in_pyspark.py JOB DATA RESULT`.

RESULT is a folder. The jobs named `-rdd` are Python functions over an RDD of lines, as dataShark
1.2 ran its jobs; the others use data frames.
"""

import json
import os
import re
import sys
from operator import add
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

PATTERN = r'([^ ]+) \[[0-9:]+\] ".*" ([0-9]{3}) [^ ]+'


def words(spark, data):
    lines = spark.read.text(data)
    words = lines.select(f.explode(f.split(f.lower("value"), " ")).alias("word"))
    return words.where("word <> ''").groupBy("word").count()


def statuses(spark, data):
    source, code = (f.regexp_extract("value", f"^{PATTERN}", group) for group in (1, 2))
    log = spark.read.text(data).select(source.alias("source"), code.alias("code"))
    return (
        log.where("source <> ''")
        .groupBy("source")
        .agg(
            f.count(f.when(f.col("code").startswith("2"), 1)),
            f.count(f.when(f.col("code").startswith("5"), 1)),
        )
    )


def objects(spark, data):
    texts = ["source.ip", "event.dataset", "url.path"]
    schema = ", ".join(f"`{name}` string" for name in texts) + ", `http.response.body.bytes` bigint"
    path = f.col("`url.path`")
    return (
        spark.read.json(data, schema=schema)
        .where(f.col("`event.dataset`").startswith("nginx."))
        .where(~(path.startswith("/static/") | path.startswith("/health/")))
        .groupBy("`source.ip`")
        .agg(f.count("*"), f.sum("`http.response.body.bytes`"))
    )


def words_rdd(spark, data):
    lines = spark.sparkContext.textFile(data)
    words = lines.flatMap(lambda line: line.lower().split())
    return words.map(lambda word: (word, 1)).reduceByKey(add)


def statuses_rdd(spark, data):
    pattern = re.compile(PATTERN)
    matches = spark.sparkContext.textFile(data).map(pattern.match).filter(lambda found: found)
    pairs = matches.map(lambda found: (found[1], (found[2][0] == "2", found[2][0] == "5")))
    counts = pairs.reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return counts.map(lambda of_source: (of_source[0], *map(int, of_source[1])))


def objects_rdd(spark, data):
    include, exclude = re.compile(r"nginx\."), re.compile("/(static|health)/")
    records = spark.sparkContext.textFile(data).map(json.loads)
    wanted = records.filter(
        lambda record: include.match(record["event.dataset"])
        and not exclude.match(record["url.path"])
    )
    pairs = wanted.map(lambda r: (r["source.ip"], (1, r["http.response.body.bytes"])))
    counts = pairs.reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return counts.map(lambda of_source: (of_source[0], *of_source[1]))


def write(found, result):
    if isinstance(found, DataFrame):
        found.write.csv(result, sep="\t", quote="", escape="")
    else:
        found.map(lambda row: "\t".join(map(str, row))).saveAsTextFile(result)


JOBS = {
    "wordcount": words,
    "status": statuses,
    "json": objects,
    "wordcount-rdd": words_rdd,
    "status-rdd": statuses_rdd,
    "json-rdd": objects_rdd,
}

job, data, result = sys.argv[1:]
# Where Spark finds `pyspark_daemon`.
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
settings = {
    "spark.driver.memory": "4g",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.python.daemon.module": "pyspark_daemon",
}
spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
write(JOBS[job](spark, data), result)
spark.stop()
# Java's time and memory count only once it was waited for.
gateway = SparkContext._gateway
gateway.shutdown()
gateway.proc.stdin.close()
gateway.proc.wait()
