"""The jobs in plain Python, one thread: `in_python.py JOB DATA RESULT`. The reference."""

import json
import re
import sys
from collections import Counter, defaultdict


def words(data):
    counts = Counter()
    for line in data:
        counts.update(line.lower().split())
    return counts.items()


def statuses(data):
    pattern = re.compile(
        r'(?P<source>[^ ]+) \[[0-9:]+\] "(?P<request>.*)" (?P<response_code>[0-9]{3}) ([^ ]+)'
    )
    counts = defaultdict(lambda: [0, 0])
    for line in data:
        # Without the line's end, which `[^ ]+` would take for the bytes of a line that is cut off.
        found = pattern.match(line.rstrip("\n"))
        if found is None:
            continue
        of_source = counts[found["source"]]
        of_source[0] += found["response_code"][0] == "2"
        of_source[1] += found["response_code"][0] == "5"
    return ((source, *pair) for source, pair in counts.items())


def objects(data):
    include, exclude = re.compile(r"nginx\."), re.compile("/(static|health)/")
    counts = defaultdict(lambda: [0, 0])
    for line in data:
        record = json.loads(line)
        if include.match(record["event.dataset"]) and not exclude.match(record["url.path"]):
            of_source = counts[record["source.ip"]]
            of_source[0] += 1
            of_source[1] += record["http.response.body.bytes"]
    return ((source, *pair) for source, pair in counts.items())


JOBS = {"wordcount": words, "status": statuses, "json": objects}

job, data, result = sys.argv[1:]
with open(data, encoding="utf-8") as lines, open(result, "w", encoding="utf-8") as rows:
    for row in JOBS[job](lines):
        print(*row, sep="\t", file=rows)
