#!/usr/bin/env -S python3 -B
"""Runs the same jobs in dataShark and its peers, checks that all answers are equal, and prints what
each took. README.md says what is compared and how.

Exit status: 0 where all answers are equal and no limit is passed, 1 where not, 2 where it cannot
run.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import answers
from jobs import (
    HERE,
    JOBS,
    LESS,
    ONCE,
    PEERS,
    PYTHON,
    TARGET,
    WORK,
    data_of,
    environment,
    prepare,
    tool_of,
)

UNITS = {"GB": 10**9, "MB": 10**6, "KB": 10**3}


def main():
    args = arguments()
    if "datashark" in args.peers:
        check_binary(args.datashark)
    install_peers()
    peers = [peer for peer in args.peers if is_there(peer)]
    report = Report(args)
    say(report.head(peers))
    for job in JOBS:
        if job.name in args.only:
            bench(job, [peer for peer in job.peers if peer in peers], args, report)
    for peer in args.peers:
        if peer not in peers:
            report.skipped.append(f"NOT MEASURED: {peer} ({why_not(peer)})")
    path = WORK / "report.md"
    path.write_text(report.markdown(peers), encoding="utf-8")
    say(f"\nwritten to {path}")
    for text in report.skipped + report.failures:
        say(text)
    sys.exit(1 if report.failures else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    jobs = [job.name for job in JOBS]

    def option(name, kind, default, about):
        parser.add_argument(name, type=kind, default=default, help=about)

    option("--size", size, "1GB", "of the data of a job: 20MB, 1GB [1GB]")
    option("--runs", int, 3, f"of each; the median counts; {', '.join(ONCE)} run once [3]")
    option("--only", names(jobs), jobs, f"jobs, with commas between [{','.join(jobs)}]")
    option("--peers", names(PEERS), PEERS, f"tools, with commas between [{','.join(PEERS)}]")
    binary = TARGET / "release" / "datashark"
    option("--datashark", Path, binary, "the binary [target/release/datashark]")
    args = parser.parse_args()
    args.runs = max(args.runs, 1)
    args.datashark = args.datashark.absolute()
    return args


def size(text):
    for unit, factor in UNITS.items():
        if text.upper().endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    raise argparse.ArgumentTypeError(f"expected a size such as 20MB or 1GB, found {text}")


def names(known):
    def parse(text):
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"unknown {name}; one of {', '.join(known)}")
        return found

    return parse


def say(text):
    print(text, flush=True)


def give_up(text):
    print(f"error: {text}", file=sys.stderr)
    sys.exit(2)


def check_binary(path):
    if not path.is_file():
        build = "cargo build --release --locked -p datashark"
        give_up(f"there is no {path}; build it, in about 15 minutes: {build}")


def install_peers():
    """A virtual environment with what requirements.txt names; again when that changes."""
    requirements = HERE / "requirements.txt"
    stamp = WORK / "venv" / "requirements.txt"
    if stamp.is_file() and stamp.read_bytes() == requirements.read_bytes():
        return
    wanted = " ".join(requirements.read_text(encoding="utf-8").split())
    say(f"installing {wanted} into {WORK / 'venv'}: about 1 GB")
    try:
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    except subprocess.CalledProcessError as error:
        give_up(f"the peers cannot be installed: {error}")
    shutil.copy(requirements, stamp)


def why_not(peer):
    return "no java, 17 or later" if tool_of(peer) == "pyspark" else f"no {peer}"


def is_there(peer):
    program = {"pyspark": "java", "awk": "awk", "wc": "wc"}.get(tool_of(peer))
    return program is None or shutil.which(program) is not None


def make_data(job, size):
    path, n_bytes = data_of(job, size)
    if not path.exists():
        say(f"making {n_bytes / 1e6:.0f} MB of data: {path}")
        for older in path.parent.parent.glob(f"{job.data}-{n_bytes}-*"):
            shutil.rmtree(older)
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([PYTHON, HERE / "generate.py", job.data, str(n_bytes), path], check=True)
    return path


def bench(job, peers, args, report):
    """Runs a job in every tool, in turn, so that what else the machine does falls on all."""
    data = make_data(job, args.size)
    warm(data)
    took = defaultdict(list)
    found = {}
    for n in range(args.runs):
        for peer in peers:
            # What failed or answered otherwise has no speed.
            if n > 0 and (peer in ONCE or peer not in took):
                continue
            run = prepare(job, peer, data, args.datashark)
            took[peer].append(measure(run, job, peer, report))
            if took[peer][-1]["status"] != 0:
                del took[peer]
            elif n == 0:
                found[peer] = answers.read(job, peer, run.result)
        if n == 0:
            for peer in compare(job, found, report):
                del took[peer]
    say(report.add(job, data.stat().st_size, took))


def warm(path):
    """Into the page cache: disks are not compared."""
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 22)
        while file.readinto(buffer):
            pass


def measure(run, job, peer, report):
    out = WORK / "took.json"
    log = WORK / "log" / f"{job.name}.{peer}.txt"
    log.parent.mkdir(exist_ok=True)
    with open(log, "wb") as file:
        command = [sys.executable, "-IS", HERE / "measure.py", out, "--", *run.command]
        streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        subprocess.run(command, check=True, cwd=WORK, env=environment(), **streams)
    took = json.loads(out.read_text())
    if took["status"] != 0:
        report.fail(f"FAILED: {peer} at {job.name}, status {took['status']}; see {log}")
    return took


def compare(job, found, report):
    """Holds all answers against the first, and `wc -w` against the sum of it; which differ.

    Those of `LESS` may differ; how far is noted.
    """
    words = found.pop("wc", None)
    less = {peer: found.pop(peer) for peer in LESS if peer in found}
    if job.data == "line" or not found:
        return []
    (first, rows), *others = found.items()
    for peer, theirs in less.items():
        n_different = answers.n_different(theirs, rows)
        report.differing[job.name, peer] = f"{n_different:,} of {len(rows):,}"
    wrong = {peer: answers.difference(theirs, rows) for peer, theirs in others}
    total = answers.total(rows)
    if job.wc == "-w" and words and int(words[0]) != total:
        wrong["wc"] = f"{int(words[0])} words, {total} there"
    wrong = {peer: difference for peer, difference in wrong.items() if difference}
    for peer, difference in wrong.items():
        report.fail(f"DIFFERENT: {job.name}: {peer} against {first}: {difference}")
    equal = [peer for peer in found if peer not in wrong]
    if len(equal) > 1:
        report.checked[job.name] = f"{len(rows):,} rows, equal in {', '.join(equal)}"
    return list(wrong)


class Report:
    """What was measured, as a table for a terminal and for a document."""

    HEAD = ["", "wall s", "MB/s", "CPU s", "peak MB", "times", "runs"]
    LESS_HEAD = [*HEAD, "rows that differ", "less"]

    def __init__(self, args):
        self.args = args
        self.load = os.getloadavg()[0]
        self.failures = []
        self.skipped = []
        self.checked = {}
        self.differing = {}
        self.parts = []

    def fail(self, text):
        if text not in self.failures:
            self.failures.append(text)
            say(text)

    def add(self, job, n_bytes, took):
        """A job's table, and one of those that do less."""
        medians = {peer: median(runs) for peer, runs in took.items()}
        ours = medians.get("datashark")
        rows, less_rows = [self.HEAD], [self.LESS_HEAD]
        for peer, run in medians.items():
            label = {"wc": f"wc {job.wc}", "datashark": "dataShark"}.get(peer, peer)
            speed = n_bytes / 1e6 / run["wall_s"]
            ratio = f"{run['wall_s'] / ours['wall_s']:.2f}" if ours else ""
            figures = [f"{run['wall_s']:.2f}", f"{speed:.0f}", f"{run['cpu_s']:.2f}"]
            row = [label, *figures, f"{run['peak_mb']:.0f}", ratio, str(len(took[peer]))]
            if peer in LESS:
                less_rows.append([*row, self.differing.get((job.name, peer), ""), LESS[peer]])
            else:
                rows.append(row)
        if job.memory_limit_mb and ours:
            peak = max(run["peak_mb"] for run in took["datashark"])
            if peak > job.memory_limit_mb:
                self.fail(f"OVER THE LIMIT: {job.name}: {peak:.0f} MB of {job.memory_limit_mb} MB")
        title = f"{job.title}: {n_bytes / 1e6:,.0f} MB"
        note = self.checked.get(job.name, "nothing to compare")
        if job.memory_limit_mb:
            note += f"; dataShark may take {job.memory_limit_mb} MB"
        less_note = "these do less, and their answers may differ"
        parts = [(title, note, rows), (f"{title}, in part", less_note, less_rows)]
        parts = [part for part in parts if len(part[2]) > 1]
        self.parts += parts
        return "\n".join(f"\n{title} ({note})\n{aligned(rows)}" for title, note, rows in parts)

    def head(self, peers):
        """What was measured on, and by which command."""
        tools = dict.fromkeys(tool_of(peer) for peer in peers)
        machine = f"{cpu()}, {os.cpu_count()} cores, {memory_gb():.0f} GB"
        lines = [
            f"$ {' '.join(['benches/peers/run.py', *sys.argv[1:]])}",
            f"{machine}, {platform.system()} {platform.release()}",
            f"load at the start {self.load:.1f}; median of {self.args.runs}, warm page cache",
            ", ".join(version(tool, self.args.datashark) for tool in tools),
        ]
        return "\n".join(lines)

    def markdown(self, peers):
        parts = [f"```text\n{self.head(peers)}\n```\n"]
        for title, note, (head, *rows) in self.parts:
            rule = ["---", *["---:"] * (len(head) - 1)]
            table = "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])
            parts.append(f"**{title}** ({note})\n\n{table}\n")
        return "\n".join(parts + self.skipped + self.failures)


def median(runs):
    """The run of the median wall time; of two in the middle the slower."""
    return sorted(runs, key=lambda run: run["wall_s"])[len(runs) // 2]


def aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(lines)


def version(tool, datashark):
    packages = (HERE / "requirements.txt").read_text(encoding="utf-8").split()
    for name, number in (package.split("==") for package in packages):
        if name == tool:
            return f"{name} {number}"
    program = {"datashark": datashark, "python": PYTHON}.get(tool, tool)
    option = ["-W", "version"] if tool == "awk" else ["--version"]
    told = subprocess.run([program, *option], capture_output=True, text=True, check=False)
    return (told.stdout or told.stderr or tool).splitlines()[0]


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


main()
