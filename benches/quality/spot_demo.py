#!/usr/bin/env python3
"""Rank correlation of spot-lda's scores with those of an older Spot's published results.

    benches/quality/spot_demo.py

reads `spot_demo` of $DATASHARK_DATA, or ../shared/data beside the tree. The rows are the lowest scores of a
day; the day itself is not there, so that ours are learnt of these rows alone. That Spot cut its words at
quantiles of the day; nothing is to be concluded of a word, and little of a score.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONF = """name = Demo
type = batch
enabled = false
code = spot-lda
file = in.csv
training = in.csv
output = csv
analysis = {kind}
words = {words}
threshold = 1
max_results = 0
[codec]
    format = csv
[out_csv]
    path = out.csv
    header = true
"""
DNS = ["frame_time", "unix_tstamp", "frame_len", "ip_dst", "dns_qry_name", "dns_qry_class",
       "dns_qry_type", "dns_qry_rcode"]
FLOW = ["treceived", "tryear", "trmonth", "trday", "trhour", "trminute", "trsec", "tdur", "sip", "dip",
        "sport", "dport", "proto", "ipkt", "ibyt", "opkt", "obyt"]


def dns(data):
    with open(data / "dns_results_odd.csv", newline="") as file:
        for row in csv.reader(file):
            yield dict(zip(DNS, row)), float(row[-1])


def flow(data):
    with open(data / "flow_scores_odd.csv", newline="") as file:
        for row in csv.DictReader(file):
            day, clock = row["tstart"].split(" ")
            (year, month, of_month), (hour, minute) = day.split("-"), clock.split(":")
            values = [f"{day} {int(hour):02}:{minute}:00", year, int(month), int(of_month), int(hour),
                      int(minute), 0, 0, row["srcIP"], row["dstIP"], row["sport"], row["dport"],
                      row["proto"], row["ipkt"], row["ibyt"], 0, 0]
            yield dict(zip(FLOW, map(str, values))), float(row["lda_score"])


def proxy(data):
    with open(data / "proxy_scores_odd.csv", newline="") as file:
        for row in csv.DictReader(file):
            columns = list(row)[:19]
            yield {name: row[name] for name in columns}, float(row["score"])


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    found, first = [0.0] * len(values), 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first:last + 1]:
            found[place] = (first + last) / 2
        first = last + 1
    return found


def spearman(one, other):
    one, other = ranks(one), ranks(other)
    mean = (len(one) - 1) / 2
    product = sum((a - mean) * (b - mean) for a, b in zip(one, other))
    return product / (sum((a - mean) ** 2 for a in one) * sum((b - mean) ** 2 for b in other)) ** 0.5


def scores(binary, kind, words, records):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        names = list(records[0])
        with open(folder / "in.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(records)
        (folder / "demo.conf").write_text(CONF.format(kind=kind, words=words))
        command = [binary, "standalone", "demo.conf", "--state", "state"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        with open(folder / "out.csv", newline="") as file:
            found = {tuple(row[name] for name in names[:9]): float(row["score"])
                     for row in csv.DictReader(file)}
        return [found.get(tuple(record[name] for name in names[:9])) for record in records]


def main():
    data = Path(os.environ.get("DATASHARK_DATA", ROOT.parent / "shared/data")) / "spot_demo"
    if not data.is_dir():
        sys.exit(f"SKIPPED: there is no data in {data}")
    print("| results | rows | spot-1.1 | v2 |\n|---|---|---|---|")
    for kind, read in (("flow", flow), ("dns", dns), ("proxy", proxy)):
        records, theirs = map(list, zip(*read(data)))
        cells = []
        for words in ("spot-1.1", "v2"):
            ours = scores(ROOT / "target/release/datashark", kind, words, records)
            pairs = [(a, b) for a, b in zip(ours, theirs) if a is not None]
            cells.append(f"{spearman(*zip(*pairs)):.3f} of {len(pairs)}")
        print(f"| {kind} | {len(records)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
