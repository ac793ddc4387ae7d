#!/usr/bin/env python3
"""How well spot-lda finds what is labelled, by both kinds of words and beside simple baselines.

    benches/quality/run.py                     # all sets, the seeds of the report, into report.md
    benches/quality/run.py --only dns --seeds 1,2 --out /tmp/report.md

reads the labelled sets from $DATASHARK_DATA, or ../shared/data beside the tree, and runs `datashark eval`
(target/release/datashark) on each. Where something is random (planted attacks, sampled scans, the seeds
of topics, forest and chance) the numbers are means over the seeds. What was decided about words and
scores was decided on other seeds, 1 to 7, and never on those of the report.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import prepare

ROOT = Path(__file__).resolve().parents[2]
SEEDS = "101,102,103"
RATES = ["1e-3", "1e-4", "1e-5"]
BASELINES = (
    "rarity of the word", "volume: records of the source", "volume: bytes", "isolation forest", "random",
)

CONF = """name = Quality
type = batch
enabled = false
code = spot-lda
file = {file}
training = {training}
output = csv
analysis = {analysis}
words = v2
threshold = 1
max_results = 3000
fields = {fields}
[codec]
    format = {format}
{more}
[out_csv]
    path = {folder}/none.csv
"""

# The tunnels' domains; what is not of them is of the crawler.
TUNNEL = "dns_qry_name LIKE '%ggy666.tk' OR dns_qry_name LIKE '%pirate.sea'"
TUNNEL_KINDS = ("CASE WHEN ip_dst = '10.0.2.30' THEN 'iodine (Elastic)' "
                "WHEN ip_dst LIKE '192.168.117.%' THEN 'iodine' ELSE 'dnscat2' END")
# All comes from one crawler or from a tunnel's client: address and time would tell the label. Clients are
# made up instead, by the first letter of the domain.
NAMES_ONLY = [
    "--replace", "ip_dst=concat('client-', substr(coalesce(registered_domain(dns_qry_name), "
                 "dns_qry_name), 1, 1))",
    "--replace", "frame_time='Jan  1 2020 12:00:00.0 UTC'", "--replace", "unix_tstamp=1577880000",
]
BEACON = "source_ip = '73.54.23.243' AND destination_ip = '64.225.56.201'"


def sets(data, folder):
    """Name, conf, arguments of eval, whether something is random beside the seeds of models."""
    dns = dict(analysis="dns", fields="spot", format="dns",
               more="[log_filter]\n    [[include]]\n        dns_response = true",
               training=f"{data}/dns/tunnel_pcaps/normal_0000[0-3]*.pcap.gz",
               file=", ".join(f"{data}/dns/tunnel_pcaps/{name}*" for name in
                              ("normal_0000[45]", "normal_00067", "dnscat2", "iodine", "elastic")))
    labels = ["--labels", TUNNEL, "--kinds", TUNNEL_KINDS, *NAMES_ONLY]
    yield "DNS tunnels, by name", dns, [*labels, "--by", "dns_qry_name"]
    yield "DNS tunnels, by domain", dns, [
        *labels, "--by", "coalesce(registered_domain(dns_qry_name), dns_qry_name)"]

    def zeek(analysis, log):
        return dict(analysis=analysis, fields="common", format="zeek", more="",
                    file=f"{data}/zeek/{log}", training=f"{data}/zeek/{log}")

    conn = zeek("flow", "beacon_missing_host/2024-04-19_conn.log.gz")
    http = zeek("proxy", "beacon_missing_host/2024-04-19_http.log.gz")
    yield "Zeek flows, RemcosRAT", zeek("flow", "slips_labelled_remcos/conn.log.labeled"), [
        "--labels", "CASE label WHEN 'Malicious' THEN true WHEN 'Benign' THEN false END"]
    yield "Zeek flows, beacon", conn, ["--labels", BEACON]
    yield "Zeek requests, beacon", http, ["--labels", BEACON]

    def csv(training, file):
        return dict(analysis="proxy", fields="spot", format="csv", more="",
                    file=f"{folder}/{file}", training=f"{folder}/{training}")

    yield "CSIC 2010 requests", csv("csic-train.csv", "csic-score.csv"), [
        "--labels", "label = 'anomalous'"]
    yield "Web scans in a site's log", csv("scans.csv", "scans.csv"), [
        "--labels", "label IS NOT NULL AND label <> ''", "--kinds", "label"]
    real = {
        "Zeek flows": (conn, ["scan", "beacon", "exfiltration"]),
        "Zeek DNS (WRCCDC)": (zeek("dns", "wrccdc/dns_part1.log.gz"), ["dns-tunnel", "dga"]),
        "Zeek requests": (zeek("proxy", "rita/valid_tsv_http.log.gz"),
                          ["scan", "beacon", "exfiltration", "dga"]),
    }
    for name, (conf, kinds) in real.items():
        for rate in RATES:
            planted = [part for kind in kinds for part in ("--inject", f"{kind}:{rate}")]
            yield f"{name}, planted {rate} each", conf, planted


def evaluate(binary, conf, arguments, seed, folder):
    path = folder / "quality.conf"
    path.write_text(CONF.format(folder=folder, **conf))
    command = [binary, "eval", path, *arguments, "--set", f"seed={seed}", "--seed", str(seed),
               "--also", "words=spot-1.1", "--format", "json", "--state", folder / "state"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def means(runs):
    """The lines of several runs as one: of each method and kind the means."""
    grouped = defaultdict(list)
    for line in (line for run in runs for line in run):
        grouped[line["method"], line["kind"]].append(line)
    numbers = [key for key, value in runs[0][0].items() if not isinstance(value, str)]
    return [{"method": method, "kind": kind} | {key: mean([line[key] for line in lines]) for key in numbers}
            for (method, kind), lines in grouped.items()]


def markdown(lines):
    def number(value, digits=3):
        return "-" if value is None else f"{value:.{digits}f}"

    rows = ["| method | attacks | items | bad | P@100 | P@3000 | PR-AUC | ROC-AUC | alerts/day | found | after |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for line in lines:
        after = line["seconds_to_detect"]
        rows.append("| " + " | ".join([
            line["method"], line["kind"], number(line["n_items"], 0), number(line["n_positives"], 0),
            number(line["precision_at_100"]), number(line["precision_at_3000"]), number(line["pr_auc"], 4),
            number(line["roc_auc"], 4), number(line["alerts_per_day"], 0),
            f"{number(line['n_detected'], 1)} of {number(line['n_attacks'], 1)}",
            "-" if after is None else f"{after:.0f} s"]) + " |")
    return "\n".join(rows)


def verdict(lines):
    """PR-AUC over all attacks: v2, spot-1.1, and the best plain baseline."""
    of = {line["method"]: line["pr_auc"] for line in lines if line["kind"] == "all"}
    v2, old = of["spot-lda"], of["spot-lda words=spot-1.1"]
    best = max(((of[name], name) for name in BASELINES if of.get(name) is not None))
    return v2, old, best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="sets whose name has this")
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--binary", default=ROOT / "target/release/datashark")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("report.md"))
    args = parser.parse_args()
    data = Path(os.environ.get("DATASHARK_DATA", ROOT.parent / "shared/data"))
    if not data.is_dir():
        sys.exit(f"SKIPPED: there is no data in {data}")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    report, summary = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        prepare.csic(folder, data)
        for name, conf, arguments in sets(data.resolve(), folder):
            if args.only.lower() not in name.lower():
                continue
            runs = []
            for seed in seeds:
                prepare.scans(folder, data, 50, seed)
                runs.append(evaluate(args.binary, conf, arguments, seed, folder))
            lines = means(runs)
            report.append(f"## {name}\n\n{markdown(lines)}\n")
            summary.append((name, *verdict(lines)))
            print(name, *(f"{value:.4f}" for value in summary[-1][1:3]), summary[-1][3], flush=True)
    wins = sum(v2 > max(old, best) for _, v2, old, (best, _) in summary)
    head = ["# Quality of spot-lda\n",
            f"Printed by `benches/quality/run.py --seeds {args.seeds}`"
            + (f" `--only {args.only}`" if args.only else "") + "; what is in it and why: README.md.\n",
            f"PR-AUC over all attacks of a set. `v2` is above `spot-1.1` and all plain baselines on {wins} "
            f"of {len(summary)} sets.\n",
            "| set | v2 | spot-1.1 | best plain baseline | |", "|---|---|---|---|---|"]
    head += [f"| {name} | {v2:.4f} | {old:.4f} | {best:.4f} | {which} |"
             for name, v2, old, (best, which) in summary]
    args.out.write_text("\n".join(head) + "\n\n" + "\n".join(report))


if __name__ == "__main__":
    main()
