"""The jobs: which data each reads, and the command by which each tool does it."""

import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
WORK = TARGET / "peers"
PYTHON = WORK / "venv" / "bin" / "python"

MEMORY_LIMIT_MB = 300

#: What these do less than the job asks; their answers may differ, and are never the measure.
LESS = {
    "duckdb-csv": "reads columns between spaces; no pattern",
    "polars-csv": "reads columns between spaces; no pattern",
}
#: A tool, or a tool and a way to use it; in the order of the table.
PEERS = ["datashark", "duckdb", "polars", "pyspark", "pyspark-rdd", "awk", "python", "wc", *LESS]
#: These take minutes and run once.
ONCE = ["pyspark", "pyspark-rdd", "python"]


def peers_but(*names):
    return [peer for peer in PEERS if peer not in names]


@dataclass(frozen=True)
class Job:
    """A job and who does it."""

    name: str
    title: str
    #: What `generate.py` calls the data.
    data: str
    peers: list
    #: Times the size asked for.
    factor: float = 1
    #: Bytes, whatever the size asked for.
    fixed_size: int | None = None
    #: dataShark watches a folder, and is given `--once`.
    is_stream: bool = False
    #: dataShark may not take more memory.
    memory_limit_mb: int | None = None
    #: What `wc` counts; `-w` has to agree with the sum of all counts.
    wc: str = "-l"


JOBS = [
    Job("wordcount", "Word count", "wordcount", peers_but(*LESS), wc="-w"),
    Job("status", "2xx and 5xx by source", "status", PEERS),
    Job("json", "JSON lines, filtered, by source", "json", peers_but("awk", *LESS)),
    Job("stream", "The same log as a stream, by source in windows of 60 s", "status",
        ["datashark", "duckdb"], factor=2, is_stream=True, memory_limit_mb=MEMORY_LIMIT_MB),
    Job("line", "One line of 100 MB", "line", ["datashark"], fixed_size=100_000_000,
        memory_limit_mb=MEMORY_LIMIT_MB),
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run of one tool: its command, and where its answer will be."""

    command: list
    result: Path


def environment():
    """Nothing of the user's that changes what is measured."""
    dropped = ("DATASHARK", "RUST_LOG", "POLARS_", "SPARK_", "PYSPARK_", "PYTHON")
    env = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    # Bytes, not characters: mawk and wc are several times as fast so, and the data is ASCII.
    env |= {"LC_ALL": "C", "TZ": "UTC", "PYTHONUTF8": "1"}
    # Spark's workers run `PYSPARK_PYTHON`; nothing is written beside the scripts.
    env |= {"PYSPARK_PYTHON": str(PYTHON), "PYTHONDONTWRITEBYTECODE": "1"}
    return env | {"SPARK_LOCAL_IP": "127.0.0.1"}


def tool_of(peer):
    """`duckdb` of `duckdb-csv`."""
    return peer.partition("-")[0]


def prepare(job, peer, data, datashark):
    """The run of a tool, with nothing left of the run before."""
    result = WORK / "results" / f"{job.name}.{peer}"
    result.parent.mkdir(parents=True, exist_ok=True)
    if result.is_dir():
        shutil.rmtree(result)
    result.unlink(missing_ok=True)
    if peer == "datashark":
        command = datashark_command(job, data, result, datashark)
    elif peer == "awk":
        script = HERE / f"{job.name}.awk"
        command = ["sh", "-c", 'awk -f "$1" "$2" > "$3"', "sh", script, data, result]
    elif peer == "wc":
        command = ["sh", "-c", 'wc "$1" < "$2" > "$3"', "sh", job.wc, data, result]
    else:
        # `duckdb-csv` does `status-csv`.
        tool, dash, way = peer.partition("-")
        command = [PYTHON, HERE / f"in_{tool}.py", f"{job.name}{dash}{way}", data, result]
    return Run([str(part) for part in command], result)


def datashark_command(job, data, result, datashark):
    state = WORK / "state"
    shutil.rmtree(state, ignore_errors=True)
    folder = WORK / "conf"
    folder.mkdir(parents=True, exist_ok=True)
    source = data.parent if job.is_stream else data
    text = (HERE / "conf" / f"{job.name}.conf").read_text(encoding="utf-8")
    conf = folder / f"{job.name}.conf"
    text = text.replace("@DATA@", str(source)).replace("@RESULT@", str(result))
    conf.write_text(text, encoding="utf-8")
    query = HERE / "conf" / f"{job.name}.sql"
    if query.exists():
        shutil.copy(query, folder)
    once = ["--once"] if job.is_stream else []
    return [datashark, "standalone", "--state", state, *once, conf]


def data_of(job, size):
    """Where the data of a job is, and how large: a folder of its own, as a stream wants it, and
    another one when the generator changes."""
    n_bytes = job.fixed_size or int(size * job.factor)
    generator = zlib.crc32((HERE / "generate.py").read_bytes())
    folder = WORK / "data" / f"{job.data}-{n_bytes}-{generator:08x}"
    return folder / f"{job.data}.log", n_bytes
