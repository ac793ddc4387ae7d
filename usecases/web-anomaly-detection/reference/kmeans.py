#!/usr/bin/env python3
"""The centres and distances of web-anomaly-detection, by scikit-learn.

Trains on one real log and scores another, in both kinds of features, and prints the numbers as
JSON. Only counts and what is made of them is printed: no address, no line of a log.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1
    /tmp/venv/bin/python usecases/web-anomaly-detection/reference/kmeans.py ../shared/data \
        > usecases/web-anomaly-detection/reference/kmeans.json
"""

import gzip
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

TRAINING = "elastic_apache_combined.epa.log.gz"
SCORED = "attack_acunetix.epa.log.gz"
LINE = re.compile(rb'(?P<source>\S+) \[[\d:]+\] "(.*)" (?P<response_code>\d{3}) (\S+)')


def counts(path):
    """The lines of each source by the first digit of their code, and how many lines match."""
    sources, n_lines, n_unmatched = {}, 0, 0
    with gzip.open(path, "rb") as log:
        for line in log.read().split(b"\n"):
            if not line:
                continue
            n_lines += 1
            match = LINE.match(line)
            if match is None:
                n_unmatched += 1
                continue
            classes = sources.setdefault(match["source"], {})
            for name in (match["response_code"][:1].decode(), "total"):
                classes[name] = classes.get(name, 0) + 1
    rows = [sources[source] for source in sorted(sources)]
    return rows, {"n_lines": n_lines, "n_unmatched": n_unmatched, "n_sources": len(rows)}


def point(features, row):
    """The features of a source, not yet scaled."""
    if features == "counts":
        return [row.get("2", 0), row.get("5", 0)]
    shares = [row.get(digit, 0) / row["total"] for digit in "2345"]
    return shares + [math.log(1 + row["total"])]


def reference(features, training, scored):
    """Centres in ascending order, and the distance of every distinct row from the nearest."""
    points = np.array([point(features, row) for row in training], dtype=float)
    scaler = StandardScaler(with_mean=features == "rates", with_std=features == "rates")
    scaled = scaler.fit_transform(points)
    # A tolerance of 0 lets scikit-learn go on until no point changes its cluster.
    fitted = KMeans(n_clusters=2, n_init=10, tol=0, random_state=0).fit(scaled)
    centres = sorted(fitted.cluster_centers_.tolist())
    rows = {tuple(sorted(row.items())) for row in training + scored}
    distances = []
    for row in sorted(rows):
        row = dict(row)
        at = scaler.transform([point(features, row)])[0]
        # By differences: KMeans.transform expands the square and loses half of the digits.
        all_distances = [float(np.linalg.norm(at - np.array(centre))) for centre in centres]
        classes = [row.get(digit, 0) for digit in "2345"] + [row["total"]]
        cluster = int(np.argmin(all_distances))
        distances.append(classes + [cluster, all_distances[cluster]])
    return {"inertia": float(fitted.inertia_), "centres": centres, "distances": distances}


def main():
    folder = Path(sys.argv[1]) / "access_logs" / "epa_format"
    training, of_training = counts(folder / TRAINING)
    scored, of_scored = counts(folder / SCORED)
    result = {
        "scikit_learn": sklearn.__version__,
        "training": {"file": TRAINING, **of_training},
        "scored": {"file": SCORED, **of_scored},
        "distance_columns": ["2xx", "3xx", "4xx", "5xx", "total", "cluster", "distance"],
        "counts": reference("counts", training, scored),
        "rates": reference("rates", training, scored),
    }
    # A row of numbers a line.
    text = json.dumps(result, indent=1)
    print(re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + " ".join(m[1].split()) + "]", text))


main()
