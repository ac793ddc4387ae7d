#!/usr/bin/env python3
"""Writes the sample logs of the three summaries, the same bytes each time: conf/samples.py

    proxy-websites/proxy.log     a day of a web proxy, in the W3C's extended log format
    proxy-websites/squid.log     the same requests as Squid logs them
    httpd-traffic/access.log     a day of a web server, in the combined form
    firewall-traffic/ufw.log     half an hour of a Linux firewall
    firewall-traffic/asa.log     the same connections as Cisco's ASA logs them

Everything in them is made up. Addresses are from the ranges kept for documentation (RFC 5737), names
from those of RFC 2606.
"""

import datetime
import pathlib

CONF = pathlib.Path(__file__).resolve().parent
UTC = datetime.timezone.utc


class Random:
    """SplitMix64, so that the samples do not hang on a version of Python."""

    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & self.MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def one_of(self, values):
        return values[self.below(len(values))]

    def weighted(self, pairs):
        """A value, as often as its weight says."""
        at = self.below(sum(weight for _, weight in pairs))
        for value, weight in pairs:
            if at < weight:
                return value
            at -= weight


def write(name, lines):
    path = CONF / name
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    print(f"{path.relative_to(CONF)}: {len(lines)} lines")


# -- proxy-websites ----------------------------------------------------------------------------

USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"]

# Hosts of sites, and how often they are asked.
SITES = [
    ("www.example.com", 60),
    ("cdn.example.com", 45),
    ("mail.example.org", 30),
    ("www.example.net", 22),
    ("img.news.example", 20),
    ("www.news.example", 16),
    ("updates.vendor.example", 12),
    ("api.vendor.example", 8),
    ("WWW.Example.COM", 4),
    ("games.example", 9),
    ("intranet", 6),
    ("192.0.2.80", 3),
    ("shop.xn--bcher-kva.example", 2),
]
DENIED = "games.example"
# A host that one user alone has to do with, for a few large answers.
RARE = "drop.storage.example"


def proxy_requests(random):
    start = datetime.datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
    at = 0
    for idx in range(400):
        at += 30 + random.below(120)
        user = random.below(len(USERS))
        host = random.weighted(SITES)
        size = 500 + random.below(40_000)
        if idx % 57 == 56:
            host, user, size = RARE, 6, 4_000_000 + random.below(4_000_000)
        yield {
            "time": start + datetime.timedelta(seconds=at),
            "duration_ms": 5 + random.below(400),
            # One of them sits at a desk where nobody logs in.
            "user": USERS[user] if user != 7 else None,
            "source": f"192.0.2.{10 + user}",
            "host": host,
            "secure": host != DENIED and random.below(4) > 0,
            "path": random.one_of(["/", "/index.html", "/a/b.css", "/img/1.png", "/api/v1"]),
            "bytes": size,
            "denied": host == DENIED,
            "cached": random.below(4) == 0,
        }


FIELDS = (
    "date time time-taken c-ip cs-username sc-status s-action cs-method cs-uri-scheme cs-host "
    "cs-uri-port cs-uri-path cs-uri-query rs(Content-Type) cs(User-Agent) s-ip sc-bytes cs-bytes"
)


def w3c(requests):
    lines = [
        "#Software: SGOS 7.3.11.3",
        "#Version: 1.0",
        "#Start-Date: 2026-03-02 08:00:00",
        f"#Fields: {FIELDS}",
    ]
    for r in requests:
        status = 403 if r["denied"] else 200
        action = "TCP_DENIED" if r["denied"] else "TCP_TUNNELED" if r["secure"] else (
            "TCP_HIT" if r["cached"] else "TCP_NC_MISS"
        )
        front = f"CONNECT tcp {r['host']} 443 /" if r["secure"] else f"GET http {r['host']} 80 {r['path']}"
        lines.append(
            f"{r['time']:%Y-%m-%d %H:%M:%S} {r['duration_ms']} {r['source']} {r['user'] or '-'} "
            f"{status} {action} {front} - text/html \"Mozilla/5.0 (X11)\" 198.51.100.2 "
            f"{r['bytes']} 420"
        )
    return lines


def squid(requests):
    lines = []
    for r in requests:
        status = 403 if r["denied"] else 200
        action = "TCP_DENIED" if r["denied"] else "TCP_TUNNEL" if r["secure"] else (
            "TCP_HIT" if r["cached"] else "TCP_MISS"
        )
        peer = "HIER_NONE/-" if r["denied"] or action == "TCP_HIT" else "HIER_DIRECT/198.51.100.7"
        front = f"CONNECT {r['host']}:443" if r["secure"] else f"GET http://{r['host']}{r['path']}"
        lines.append(
            f"{r['time'].timestamp():.3f} {r['duration_ms']:6} {r['source']} {action}/{status} "
            f"{r['bytes']} {front} {r['user'] or '-'} {peer} {'-' if r['secure'] else 'text/html'}"
        )
    return lines


# -- httpd-traffic -----------------------------------------------------------------------------

PAGES = [("/", 30), ("/index.html", 20), ("/news", 14), ("/docs/start", 12), ("/img/logo.png", 20),
         ("/css/main.css", 20), ("/login", 8), ("/search?q=log", 6), ("/old", 4)]
PROBES = ["/.env", "/admin.php", "/wp-login.php", "/cgi-bin/test", "/backup.zip"]
SCANNER = "203.0.113.66"
# Who takes the server for an open proxy.
PROXY_PROBER = "198.51.100.99"


def access_log(random):
    start = datetime.datetime(2026, 3, 2, tzinfo=UTC)
    lines = []
    for idx in range(480):
        time = start + datetime.timedelta(seconds=idx * 180 + random.below(170))
        source = f"198.51.100.{1 + random.below(40)}"
        agent, method, code, size = "Mozilla/5.0", "GET", 200, 300 + random.below(30_000)
        url = random.weighted(PAGES)
        if idx % 12 == 7:
            source, agent, url, code, size = SCANNER, "probe/1.0", random.one_of(PROBES), 404, 196
        elif idx % 96 == 32:
            source, agent, code, size = PROXY_PROBER, "-", 403, 199
            method, url = random.one_of([
                ("GET", "http://www.example.org/"),
                ("CONNECT", "mail.example.net:25"),
            ])
        elif 300 <= idx < 315:
            # Three quarters of an hour with a broken back end.
            code, size = 502, 341
        elif url == "/old":
            code, size = 301, 233
        elif random.below(9) == 0:
            code, size = 304, None
        elif url == "/login":
            method = "POST"
        lines.append(
            f"{source} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] \"{method} {url} HTTP/1.1\" {code} "
            f"{'-' if size is None else size} \"-\" \"{agent}\""
        )
    return lines


# -- firewall-traffic --------------------------------------------------------------------------

SERVICES = [((443, "tcp"), 50), ((80, "tcp"), 25), ((25, "tcp"), 8), ((53, "udp"), 14)]
PORT_SCANNER = "203.0.113.66"


def connections(random):
    start = datetime.datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
    scanned = 20
    for idx in range(360):
        port, transport = random.weighted(SERVICES)
        c = {
            "time": start + datetime.timedelta(seconds=idx * 5 + random.below(4)),
            "source": f"198.51.100.{1 + random.below(24)}",
            "source_port": 1024 + random.below(60_000),
            "destination": f"192.0.2.{10 + random.below(4)}",
            "port": port,
            "transport": transport,
            "denied": False,
            "bytes": 400 + random.below(90_000),
            "seconds": random.below(60),
            "id": 1000 + idx,
        }
        if idx % 5 == 2:
            # One port after the other, and now and then one that is open.
            scanned += 1
            c.update(source=PORT_SCANNER, port=scanned, transport="tcp", denied=scanned not in (25, 53, 80))
        elif idx % 45 == 11:
            c.update(port=23, transport="tcp", denied=True)
        yield c


def ufw(found):
    lines = []
    for c in found:
        word = "BLOCK" if c["denied"] else "ALLOW"
        flags = " SYN URGP=0" if c["transport"] == "tcp" else ""
        uptime = 1000 + (c["time"].minute * 60 + c["time"].second)
        lines.append(
            f"{c['time']:%b} {c['time'].day:2} {c['time']:%H:%M:%S} fw kernel: [{uptime:5}.{c['id']:06}] "
            f"[UFW {word}] IN=eth0 OUT= SRC={c['source']} DST={c['destination']} LEN=60 TOS=0x00 "
            f"PREC=0x00 TTL=49 ID={c['id']} PROTO={c['transport'].upper()} SPT={c['source_port']} "
            f"DPT={c['port']}{flags}"
        )
    return lines


def asa_head(level, time):
    priority = 20 * 8 + level
    return f"<{priority}>{time:%b} {time.day:2} {time:%Y %H:%M:%S} fw : %ASA-{level}-"


def asa(found):
    lines = []
    for c in found:
        protocol, built, torn = ("TCP", 302013, 302014) if c["transport"] == "tcp" else ("UDP", 302015, 302016)
        outside = f"outside:{c['source']}/{c['source_port']}"
        inside = f"inside:{c['destination']}/{c['port']}"
        if c["denied"]:
            lines.append((c["time"], asa_head(4, c["time"]) + (
                f"106023: Deny {c['transport']} src {outside} dst {inside} by access-group "
                f"\"outside_in\" [0x0, 0x0]"
            )))
            continue
        lines.append((c["time"], asa_head(6, c["time"]) + (
            f"{built}: Built inbound {protocol} connection {c['id']} for {outside} "
            f"({c['source']}/{c['source_port']}) to {inside} ({c['destination']}/{c['port']})"
        )))
        end = c["time"] + datetime.timedelta(seconds=c["seconds"])
        why = " TCP FINs" if protocol == "TCP" else ""
        lines.append((end, asa_head(6, end) + (
            f"{torn}: Teardown {protocol} connection {c['id']} for {outside} to {inside} duration "
            f"0:{c['seconds'] // 60:02}:{c['seconds'] % 60:02} bytes {c['bytes']}{why}"
        )))
    return [line for _, line in sorted(lines, key=lambda line: line[0])]


def main():
    write("proxy-websites/proxy.log", w3c(proxy_requests(Random(1))))
    write("proxy-websites/squid.log", squid(proxy_requests(Random(1))))
    write("httpd-traffic/access.log", access_log(Random(2)))
    write("firewall-traffic/ufw.log", ufw(connections(Random(3))))
    write("firewall-traffic/asa.log", asa(connections(Random(3))))


if __name__ == "__main__":
    main()
