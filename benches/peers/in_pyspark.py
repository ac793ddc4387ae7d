"""The jobs in PySpark on two local threads: `in_pyspark.py JOB DATA RESULT`.

RESULT is a folder.
"""

import sys

from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def words(spark, data):
    lines = spark.read.text(data)
    words = lines.select(f.explode(f.split(f.lower("value"), " ")).alias("word"))
    return words.where("word <> ''").groupBy("word").count()


def statuses(spark, data):
    schema = "source string, time string, request string, code string, bytes string"
    log = spark.read.csv(data, sep=" ", quote='"', schema=schema)
    return log.groupBy("source").agg(
        f.count(f.when(f.col("code").startswith("2"), 1)),
        f.count(f.when(f.col("code").startswith("5"), 1)),
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


JOBS = {"wordcount": words, "status": statuses, "json": objects}

job, data, result = sys.argv[1:]
builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
builder = builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
found = JOBS[job](spark, data)
found.coalesce(1).write.csv(result, sep="\t", quote="", escape="", mode="overwrite")
spark.stop()
# Java's time and memory count only once it was waited for.
gateway = SparkContext._gateway
gateway.shutdown()
gateway.proc.stdin.close()
gateway.proc.wait()
