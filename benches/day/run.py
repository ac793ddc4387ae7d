#!/usr/bin/env python3
"""A day of flows from Parquet to ranked results: `run.py [--flows 50000000] [--datashark BINARY]`.

    python3 -m venv target/peers/venv
    target/peers/venv/bin/pip install -r benches/peers/requirements.txt
    cargo build --release -p datashark
    taskset -c 0,1 target/peers/venv/bin/python benches/day/run.py

Makes the day once, below target/day: 24 files of made-up flows with Apache Spot's columns, seeded, of 20,000
machines that talk to 40,000 servers, both by Zipf's law, with a day's ups and downs. Then runs `spot-lda`
over it as a user would, and prints the time by the clock and of the processors and the peak of memory.
"""

import argparse
import pathlib
import resource
import subprocess
import time

import numpy as np
import polars

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20160122
DAY = "2016-01-22"
#: Ports of servers, and how often each is asked for; the rest are ports above 1023.
PORTS = {443: 0.47, 80: 0.2, 53: 0.14, 123: 0.03, 445: 0.03, 25: 0.02, 22: 0.02, 389: 0.02, 3389: 0.01}
UDP = [53, 123]
#: Of a day's flows, those of each hour.
HOURS = np.array([2, 2, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 6, 7, 8, 7, 6, 5, 4, 3, 3, 2, 1, 1]) / 100

CONF = """name = Day
type = batch
enabled = true
code = spot-lda
training = {folder}/*.parquet
file = {folder}/*.parquet
output = csv
analysis = flow
threshold = 1
max_results = 3000
seed = 0
[out_csv]
path = {folder}/results.csv
"""


def ranks(rng, n, below, exponent):
    """Draws with Zipf's law."""
    cumulative = np.cumsum(1.0 / np.arange(1, below + 1) ** exponent)
    return np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")


def addresses(pattern, n):
    """Made-up addresses, in an order that tells nothing."""
    names = [pattern.format(i // 250 // 250, i // 250 % 250, i % 250 + 1) for i in range(n)]
    return polars.Series(np.random.Generator(np.random.PCG64(SEED)).permutation(names))


def hour(rng, n, number, machines, servers):
    second = np.sort((rng.random(n) * 3600).astype(np.int64))
    known = np.array(list(PORTS))
    port = ranks_of_ports(rng, n, known)
    packets = (rng.exponential(12, n) + 1).astype(np.int64)
    start = np.datetime64(f"{DAY}T{number:02}:00:00", "ms")
    time_of_flow = polars.Series(start + (second * 1000).astype("timedelta64[ms]"))
    return polars.DataFrame(
        {
            "treceived": time_of_flow.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "tryear": np.full(n, 2016),
            "trmonth": np.full(n, 1),
            "trday": np.full(n, 22),
            "trhour": np.full(n, number),
            "trminute": second // 60,
            "trsec": second % 60,
            "tdur": rng.exponential(3, n),
            "sip": machines.gather(ranks(rng, n, len(machines), 0.8)),
            "dip": servers.gather(ranks(rng, n, len(servers), 1.1)),
            "sport": (rng.random(n) * 28000).astype(np.int64) + 32768,
            "dport": port,
            "proto": polars.Series(np.where(np.isin(port, UDP), "UDP", "TCP")),
            "ipkt": packets,
            "ibyt": packets * (rng.exponential(300, n) + 40).astype(np.int64),
            "opkt": packets // 2,
            "obyt": packets * 40,
        }
    )


def ranks_of_ports(rng, n, known):
    cumulative = np.cumsum(list(PORTS.values()))
    drawn = np.searchsorted(cumulative, rng.random(n), side="right")
    other = (rng.random(n) * 60000).astype(np.int64) + 1024
    return np.where(drawn < len(known), known[np.minimum(drawn, len(known) - 1)], other)


def make(folder, n_flows):
    folder.mkdir(parents=True)
    machines, servers = addresses("10.{}.{}.{}", 20_000), addresses("198.{}.{}.{}", 40_000)
    for number, share in enumerate(HOURS):
        rng = np.random.Generator(np.random.PCG64(SEED + number))
        flows = hour(rng, int(n_flows * share), number, machines, servers)
        flows.write_parquet(folder / f"{number:02}.parquet", row_group_size=1 << 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flows", type=int, default=50_000_000)
    parser.add_argument("--datashark", default=ROOT / "target/release/datashark")
    args = parser.parse_args()
    folder = ROOT / "target/day" / str(args.flows)
    if not folder.exists():
        make(folder, args.flows)
    conf = folder / "day.conf"
    conf.write_text(CONF.format(folder=folder))
    (folder / "results.csv").unlink(missing_ok=True)
    command = [args.datashark, "standalone", "--retrain", "--state", folder / "state", conf]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    n_results = (folder / "results.csv").read_text().count("\n")
    size = sum(file.stat().st_size for file in folder.glob("*.parquet"))
    print(
        f"{args.flows:,} flows, {size / 1e9:.1f} GB: {n_results:,} results in {wall:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} CPU s, {used.ru_maxrss / 1024:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
