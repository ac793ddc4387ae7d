#!/usr/bin/env python3
"""Writes conn.log, a day of made-up connections: `python3 sample.py > conn.log`.

One host asks its controller every ten minutes, give or take a minute; the others read pages, fetch mail and
send what they have, as people and programs do. The seed is fixed: the same lines every time.
"""

import random

DAY = 1_713_484_800  # 2024-04-19 00:00 UTC
FIELDS = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service conn_state orig_ip_bytes".split()
TYPES = "time string addr port addr port enum string string count".split()


def connections(chance):
    def one(second, source, destination, port, service, size):
        return (DAY + second, source, destination, port, service, size)

    # The beacon: 192.0.2.17, whose requests differ by a few bytes.
    second = 400.0
    while second < 86_400:
        yield one(second, "192.0.2.17", "198.51.100.66", 443, "ssl", 612 + chance.choice([0, 0, 0, 4]))
        second += 600 + chance.uniform(-60, 60)
    # Pages: bursts by day.
    for host in range(20, 26):
        for _ in range(6):
            begin = chance.gauss(13 * 3600, 2.5 * 3600)
            site = f"203.0.113.{chance.randrange(10, 14)}"
            for _ in range(chance.randrange(2, 9)):
                begin += chance.expovariate(1 / 40)
                yield one(begin, f"192.0.2.{host}", site, 443, "ssl", int(chance.lognormvariate(7.5, 1)))
    # Mail: every half hour or so while somebody is there, of any size.
    for second in range(8 * 3600, 18 * 3600, 1800):
        size = int(chance.lognormvariate(8, 1.5))
        yield one(second + chance.uniform(0, 900), "192.0.2.30", "203.0.113.25", 993, "ssl", size)
    # A backup at night: few and large.
    for second in (7_200, 7_260, 7_420, 8_900, 9_000):
        yield one(second + chance.random(), "192.0.2.40", "203.0.113.200", 22, "ssh", chance.randrange(10**6))
    # A clock that asks for the time: regular, and harmless.
    for second in range(17, 86_400, 2048):
        yield one(second, "192.0.2.17", "203.0.113.123", 123, "ntp", 76)


def main():
    chance = random.Random(6)
    print("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn")
    print("#fields", *FIELDS, sep="\t")
    print("#types", *TYPES, sep="\t")
    for n, (ts, source, destination, port, service, size) in enumerate(sorted(connections(chance))):
        print(f"{ts:.6f}\tC{n:05}\t{source}\t{49152 + n % 16384}\t{destination}\t{port}\t"
              f"{'udp' if port == 123 else 'tcp'}\t{service}\tSF\t{size}")


if __name__ == "__main__":
    main()
