"""Writes the data: `generate.py KIND SIZE_BYTES FILE`, KIND one of wordcount, status, json, line.

Seeded: the same bytes every time. A record is a few pieces, each drawn from a table of ready
bytes, so that 1 GB takes about half a minute. Words and sources are Zipf-distributed, as in texts
and logs.
"""

import os
import sys

import numpy as np

SEED = 20170414
CHUNK = 1 << 18
N_WORDS = 50_000
N_SOURCES = 100_000
N_SECONDS = 3600
#: How often each kind of unusual line stands in a log.
UNUSUAL = 0.001


class Draw:
    """Draws with a fixed seed; of NumPy's generator only `random` is used, whose values stay the
    same from version to version."""

    def __init__(self):
        self.rng = np.random.Generator(np.random.PCG64(SEED))

    def indices(self, n, below):
        return (self.rng.random(n) * below).astype(np.int64)

    def of(self, table, n=CHUNK):
        return table[self.indices(n, len(table))]

    def places(self, share):
        return np.flatnonzero(self.rng.random(CHUNK) < share)

    def zipf(self, cumulative, n=CHUNK):
        return np.searchsorted(cumulative, self.rng.random(n), side="right")


def zipf(n, exponent):
    weights = 1.0 / np.arange(1, n + 1) ** exponent
    cumulative = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return cumulative


def table(texts):
    pieces = np.empty(len(texts), dtype=object)
    pieces[:] = [text.encode() for text in texts]
    return pieces


def vocabulary(draw):
    """Distinct lower-case words; the frequent ones, which come first, are shorter."""
    letters = "etaoinshrdlucmfwygpbvk"
    found = {}
    while len(found) < N_WORDS:
        length = 2 + 6 * len(found) // N_WORDS + int(draw.indices(1, 6)[0])
        found["".join(letters[i] for i in draw.indices(length, len(letters)))] = None
    return list(found)


def wordcount():
    """Lines of about a dozen words; some words are capitalised, some stand before a comma."""
    draw = Draw()
    words = vocabulary(draw)
    words += [word.capitalize() for word in words]
    forms = table([word + end for end in (" ", ", ", "\n") for word in words])
    cumulative = zipf(N_WORDS, 1.0)
    while True:
        word = draw.zipf(cumulative)
        capital = draw.rng.random(CHUNK) < 0.1
        shape = draw.rng.random(CHUNK)
        end = np.where(shape < 0.08, 2, np.where(shape < 0.14, 1, 0))
        yield b"".join(forms[(2 * end + capital) * N_WORDS + word].tolist())


def sources():
    """Addresses and, as in the EPA log, some names."""

    def address(i):
        return f"{10 + i * 7919 % 200}.{i // 65536}.{i // 256 % 256}.{i % 256}"

    return [f"host{i}.example.org" if i % 10 == 0 else address(i) for i in range(N_SOURCES)]


def paths():
    folders = ["images", "docs", "software", "static", "api", "icons", "info", "health"]
    return [f"/{folders[i % 8]}/{i * 40503 % 65536:04x}/page-{i}.html" for i in range(20_000)]


def answers(draw):
    """Statuses with sizes, as often as they are common."""
    codes = [200] * 82 + [206] * 3 + [304] * 5 + [302] * 2 + [404] * 4 + [403] + [500] * 2 + [503]
    sizes = draw.indices(5000, 60_000)
    return [(codes[i % len(codes)], n_bytes) for i, n_bytes in enumerate(sizes)]


def quoted_requests():
    """Requests with quotes inside; in some of them the log line seems to end before it does."""
    forms = ['GET {}?q="a"', 'GET {}?q="', 'GET {}"', 'GET {}?q=" 503 7', 'GET {}?q="" 200 0" 503']
    return [f"{forms[i % 5].format(path)} HTTP/1.0" for i, path in enumerate(paths()[:1000])]


def free_requests():
    """Requests that are not `METHOD URL VERSION`: too few words, too many, or no HTTP at all."""
    fixed = ["", "-", "GET", "quit", "\\x16\\x03\\x01\\x00", "GET  / HTTP/1.0", "a [b] 200 1 c"]
    old = [f"GET {path}" for path in paths()[:100]]
    spaces = [f"GET {path} and 404 more HTTP/1.0" for path in paths()[:100]]
    return 10 * fixed + old + spaces


def status(size):
    """`host [dd:hh:mm:ss] "request" code bytes`, in the order of time, one hour in all.

    One line in a thousand has quotes inside the request, one a request of another form, and one is
    cut off.
    """
    draw = Draw()
    hosts = table(sources())
    times = table([f' [29:23:{s // 60:02}:{s % 60:02}] "' for s in range(N_SECONDS)])
    requests = [f"{method} {path} HTTP/1.0" for method in ("GET", "POST") for path in paths()]
    usual, quoted, free = (
        table([f'{request}" ' for request in kind])
        for kind in (requests, quoted_requests(), free_requests())
    )
    ends = table([f"{code} {n_bytes}\n" for code, n_bytes in answers(draw)])
    cumulative = zipf(N_SOURCES, 0.9)
    lengths = np.frompyfunc(len, 1, 1)
    written = 0
    while True:
        columns = [hosts[draw.zipf(cumulative)], draw.of(usual), draw.of(ends)]
        for unusual in (quoted, free):
            places = draw.places(UNUSUAL)
            columns[1][places] = draw.of(unusual, len(places))
        line_bytes = sum(lengths(column).astype(np.int64) for column in columns) + len(times[0])
        seconds = (written + np.cumsum(line_bytes)) * N_SECONDS // size
        columns.insert(1, times[np.minimum(seconds, N_SECONDS - 1)])
        chunk = b"".join(cut_some(draw, np.column_stack(columns)).ravel().tolist())
        written += len(chunk)
        yield chunk


def cut_some(draw, lines):
    """Cuts off some lines, after the first byte or anywhere before the last."""
    for place in draw.places(UNUSUAL):
        line = b"".join(lines[place])
        n_kept = 1 + int(draw.indices(1, len(line) - 2)[0])
        lines[place] = b""
        lines[place, 0] = line[:n_kept] + b"\n"
    return lines


def json():
    """Objects of 12 members, about 400 bytes."""
    draw = Draw()
    stamps = table(
        [
            f'{{"@timestamp":"2026-03-01T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{s % 1000:03}Z"'
            for s in range(0, 86_400, 7)
        ]
    )
    kinds = [("nginx.access", "info")] * 7 + [("nginx.error", "error")] + [("sshd", "info")] * 2
    datasets = table([f',"event.dataset":"{name}","log.level":"{level}"' for name, level in kinds])
    hosts = table([f',"source.ip":"{host}"' for host in sources()])
    ports = table([f',"source.port":{port}' for port in range(1024, 65_536)])
    requests = table(
        [
            f',"http.request.method":"{method}","url.path":"{path}"'
            for method in ("GET", "POST")
            for path in paths()
        ]
    )
    ends = table(
        [
            f',"http.response.status_code":{code},"http.response.body.bytes":{n_bytes}'
            for code, n_bytes in answers(draw)
        ]
    )
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
    agents = table([f',"user_agent.original":"{agent.format(v)}"' for v in range(60, 140)])
    tails = table(
        [
            f',"host.name":"web-{i % 40:02}"'
            f',"message":"request {i * 2654435761 % 2**32:08x} served \\"in time\\""}}\n'
            for i in range(10_000)
        ]
    )
    cumulative = zipf(N_SOURCES, 0.9)
    while True:
        columns = [draw.of(stamps), draw.of(datasets), hosts[draw.zipf(cumulative)]]
        columns += [draw.of(pieces) for pieces in (ports, requests, ends, agents, tails)]
        yield b"".join(np.column_stack(columns).ravel().tolist())


def line():
    """One line that does not end."""
    while True:
        yield b"x" * (1 << 20)


def write(chunks, size, path):
    """Whole lines up to `size` bytes, where there are lines."""
    part = f"{path}.part"
    left = size
    with open(part, "wb") as file:
        for chunk in chunks:
            if len(chunk) > left:
                chunk = chunk[: chunk.rfind(b"\n", 0, left) + 1 or left]
                file.write(chunk)
                break
            file.write(chunk)
            left -= len(chunk)
    os.replace(part, path)


def main():
    kind, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    kinds = {"wordcount": wordcount, "json": json, "line": line, "status": lambda: status(size)}
    write(kinds[kind](), size, path)


main()
