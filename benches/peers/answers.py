"""Reads what the tools found, and says where two differ."""


def read(job, peer, result):
    """The rows of an answer in one order for all: bytes, a tab between two values."""
    files = sorted(result.glob("part-*")) if result.is_dir() else [result]
    files = [file for file in files if file.exists()]
    rows = [row for file in files for row in file.read_bytes().splitlines()]
    if peer == "datashark" and not job.is_stream:
        # The time of the run.
        rows = [row.partition(b"\t")[2] for row in rows]
    rows.sort()
    return rows


def difference(ours, theirs):
    """The first rows that only one of the two has; nothing where both are equal."""
    if ours == theirs:
        return None
    ours, theirs = set(ours), set(theirs)
    only = [("missing", sorted(theirs - ours)), ("too many", sorted(ours - theirs))]
    shown = [f"{len(rows)} {what}, such as {rows[:3]}" for what, rows in only if rows]
    return "; ".join(shown) or "the same rows, another number of times"


def n_different(ours, theirs):
    """How many keys have another row, or none, in one of the two."""
    return len({row.partition(b"\t")[0] for row in set(ours) ^ set(theirs)})


def total(rows):
    """The sum of the last values."""
    return sum(int(row.rsplit(b"\t", 1)[1]) for row in rows)
