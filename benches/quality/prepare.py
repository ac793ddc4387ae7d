"""Labelled sets that are no logs of one form, as CSV with Spot's columns of proxy requests and a label."""

import csv
import gzip
import random
import re
from datetime import datetime, timedelta

FIELDS = [
    "p_date", "p_time", "clientip", "host", "reqmethod", "useragent", "resconttype", "duration",
    "username", "webcat", "referer", "respcode", "uriport", "uripath", "uriquery", "serverip",
    "scbytes", "csbytes", "fulluri", "label",
]
COMBINED = re.compile(
    r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d+) (\S+) "([^"]*)" "([^"]*)"'
)


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def csic(path, data):
    """CSIC 2010: the first 24,000 normal requests to train on, the others and the anomalous ones to score.

    The set tells no client and no time. A page is asked for by a client of its own, so that what is
    learnt is how a page is asked for, and all is at noon.
    """
    normal = list(requests(data / "web_attacks/csic2010_normalTrafficTraining.txt.gz", "normal"))
    attacks = list(requests(data / "web_attacks/csic2010_anomalous_part1.txt.gz", "anomalous"))
    write(path / "csic-train.csv", normal[:24_000])
    write(path / "csic-score.csv", normal[24_000:] + attacks)


def requests(path, label):
    """The requests of a file: of each the first line, and the body, which has the parameters of a POST."""
    with gzip.open(path, "rt", encoding="latin-1") as file:
        blocks = re.split(r"(?m)^(?=(?:GET|POST|PUT) http)", file.read())
    for block in filter(None, blocks):
        head, _, body = block.partition("\n\n")
        method, url, _ = head.split("\n")[0].split(" ", 2)
        uri = url.split("/", 3)[3] if url.count("/") > 2 else ""
        body = body.strip()
        page = uri.partition("?")[0]
        yield {
            "p_date": "2010-01-01", "p_time": "12:00:00", "clientip": f"/{page}",
            "host": "localhost", "reqmethod": method, "useragent": "-",
            "csbytes": len(body), "fulluri": "localhost/" + uri + (f"?{body}" if body else ""),
            "label": label,
        }


def scans(path, data, n, seed):
    """n requests of each scan among the real site's log, at random times of it."""
    site = list(combined(data / "access_logs/elastic_apache_combined.log.gz", ""))
    times = [when(row) for row in site]
    first, last = min(times), max(times)
    draw = random.Random(seed)
    rows = site
    for name in ("acunetix", "w3af"):
        scan = list(combined(data / f"access_logs/attack_{name}.log.gz", name))
        for row in draw.sample(scan, n):
            time = first + timedelta(seconds=draw.uniform(0, (last - first).total_seconds()))
            row["p_date"], row["p_time"] = f"{time:%Y-%m-%d}", f"{time:%H:%M:%S}"
            rows.append(row)
    write(path / "scans.csv", rows)


def when(row):
    return datetime.fromisoformat(f"{row['p_date']} {row['p_time']}")


def combined(path, label):
    """The requests of an access log in combined form, as a proxy would have logged them."""
    with gzip.open(path, "rt", encoding="latin-1") as file:
        for line in file:
            match = COMBINED.match(line.strip().strip('"') + '"')
            if not match:
                continue
            client, time, method, uri, code, size, referer, agent = match.groups()
            time = datetime.strptime(time.split()[0], "%d/%b/%Y:%H:%M:%S")
            yield {
                "p_date": f"{time:%Y-%m-%d}", "p_time": f"{time:%H:%M:%S}", "clientip": client,
                "host": "site.example", "reqmethod": method, "useragent": agent or "-",
                "referer": referer, "respcode": code, "scbytes": size if size.isdigit() else 0,
                "fulluri": f"site.example{uri}", "label": label,
            }
