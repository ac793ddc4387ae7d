#!/usr/bin/env python3
"""The scores of `beaconing`, in plain Python: what the use case is held to.

    beacons.py CONN_LOG... > scores.csv

Reads Zeek's conn.log, as a table, plain or gzipped, and writes a line for each pair of hosts that is
scored, sorted by key: key, score, and what the score is made of, each number as repr() gives it. It is
written after the formulas in src/lib.rs, one by one and slowly, and shares no code with the use case.
`expected.csv` beside it is what it writes for conf/conn.log.
"""

import csv
import gzip
import math
import sys
from fractions import Fraction

BARS = 24
LEAST_CONNECTIONS = 4
MODE_SENSITIVITY = Fraction(1, 20)
BIMODAL_LEAST_BARS = 11
BIMODAL_OUTLIERS = 1
DURATION_LEAST_BARS = 6
DURATION_IDEAL_BARS = 12


def read(path):
    """Each connection as (source, destination, second, bytes); those without a size have none."""
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("#fields"):
                names = line.split("\t")[1:]
            if line.startswith("#") or not line:
                continue
            record = dict(zip(names, line.split("\t")))
            second = math.floor(Fraction(record["ts"]))
            size = record["orig_ip_bytes"]
            yield (record["id.orig_h"], record["id.resp_h"], second,
                   None if size == "-" else int(size))


def rounded(x):
    return math.floor(x * 1000 + 0.5) / 1000


def raised(x):
    return math.ceil(x * 1000) / 1000


def median(ordered):
    n = len(ordered)
    middle = n // 2
    return ordered[middle] if n % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def quartiles(ordered):
    """The median, and those of what is below and above it; a middle value belongs to neither."""
    n = len(ordered)
    return median(ordered[: n // 2]), median(ordered), median(ordered[(n + 1) // 2:])


def spread(values, if_small):
    """Score, Bowley's skewness and median absolute deviation of numbers."""
    ordered = sorted(float(value) for value in values)
    q1, q2, q3 = quartiles(ordered)
    skewness = 0.0
    if q3 - q1 >= 10 and q2 != q1 and q2 != q3:
        skewness = (q1 + q3 - 2 * q2) / (q3 - q1)
    deviation = median(sorted(abs(value - q2) for value in ordered))
    deviation_score = if_small
    if q2 >= 1:
        deviation_score = max((q2 - deviation) / q2, 0.0)
    return rounded(((1 - abs(skewness)) + deviation_score) / 2), skewness, deviation


def histogram(seconds, first, last):
    """How many connections are in each of 24 bars between the first and the last of all records."""
    bars = [0] * BARS
    step = (last - first) / BARS
    edges = [first + i * step for i in range(1, BARS)]
    for second in seconds:
        bars[sum(1 for edge in edges if second >= edge)] += 1
    return bars


def longest_run(bars):
    """The most bars in a row that are not empty; the last is followed by the first."""
    longest = run = 0
    for bar in bars + bars:
        run = run + 1 if bar else 0
        longest = max(longest, run)
    return min(longest, len(bars))


def histogram_score(bars):
    mean = sum(bars) / len(bars)
    deviation = math.sqrt(sum((bar - mean) * (bar - mean) for bar in bars) / len(bars))
    variation = deviation / mean
    flat = 0.0 if variation > 1 else rounded(1 - variation)
    full = [bar for bar in bars if bar]
    bimodal = 0.0
    if len(full) >= BIMODAL_LEAST_BARS:
        width = math.ceil(max(bars) * MODE_SENSITIVITY)
        heights = {}
        for bar in full:
            heights[bar // width] = heights.get(bar // width, 0) + 1
        two = sum(sorted(heights.values())[-2:])
        bimodal = min(rounded(two / max(len(full) - BIMODAL_OUTLIERS, 1)), 1.0)
    return max(flat, bimodal)


def duration_score(bars, seconds, first, last):
    if sum(1 for bar in bars if bar) < DURATION_LEAST_BARS:
        return 0.0
    coverage = min(raised((max(seconds) - min(seconds)) / (last - first)), 1.0)
    consistency = min(raised(longest_run(bars) / DURATION_IDEAL_BARS), 1.0)
    return max(coverage, consistency)


def main():
    pairs = {}
    seconds = []
    for path in sys.argv[1:]:
        for source, destination, second, size in read(path):
            seconds.append(second)
            if size is not None:
                pairs.setdefault((source, destination), []).append((second, size))
    first, last = min(seconds), max(seconds)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["key", "score", "connections", "interval_score", "interval_skewness",
                  "interval_deviation", "size_score", "size_skewness", "size_deviation",
                  "duration_score", "histogram_score"])
    rows = []
    for (source, destination), found in pairs.items():
        times = sorted({second for second, _ in found})
        intervals = [after - before for before, after in zip(times, times[1:])]
        if len(times) < LEAST_CONNECTIONS:
            continue
        by_interval = spread(intervals, 1.0)
        by_size = spread([size for _, size in found], 0.0)
        bars = histogram([second for second, _ in found], first, last)
        duration = duration_score(bars, times, first, last)
        flat = histogram_score(bars)
        score = rounded(by_interval[0] * 0.25 + by_size[0] * 0.25 + duration * 0.25 + flat * 0.25)
        numbers = [score, len(found), *by_interval, *by_size, duration, flat]
        rows.append([f"{source} -> {destination}", *map(repr, numbers)])
    out.writerows(sorted(rows))


if __name__ == "__main__":
    main()
