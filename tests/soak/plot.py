#!/usr/bin/env python3
"""plot.py SAMPLES [SVG]: the slopes of a soak's samples, and a plot of them.

A slope is that of the least squares over what comes behind the first fifth of the time, when windows and
buffers have come to their size. Its noise is two standard errors, of the means of minutes: samples within
a minute are not independent, as a window's memory grows and goes with it. A slope within its noise is none.
"""

import sys
from math import sqrt

WARM_UP = 0.2
SERIES = [
    ("resident_bytes", "resident memory, MB", 1e6, "KB/h", 1e3),
    ("files", "open files", 1, "/h", 1),
    ("threads", "threads", 1, "/h", 1),
]
WIDTH, HEIGHT, LEFT, TOP = 720, 150, 60, 30


def read(path):
    with open(path, encoding="utf-8") as file:
        names = file.readline().split()
        rows = [[float(value) for value in line.split()] for line in file]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def means_of_minutes(times, values):
    minutes = {}
    for time, value in zip(times, values):
        minutes.setdefault(int(time // 60), []).append((time, value))
    whole = [minute for minute in minutes.values() if len(minute) > 1]
    return [tuple(sum(column) / len(column) for column in zip(*minute)) for minute in whole]


def slope(points):
    """The slope per second and two standard errors of it."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    found = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    left = sum((y - mean_y - found * (x - mean_x)) ** 2 for x, y in points)
    return found, 2 * sqrt(left / max(n - 2, 1) / spread)


def panel(number, title, times, values):
    top = TOP + number * (HEIGHT + 50)
    low, high = min(values), max(values)
    low, high = min(low * 0.9, low - 1), max(high * 1.1, high + 1)
    last = times[-1]

    def place(time, value):
        x = LEFT + time / last * (WIDTH - LEFT - 20)
        return x, top + HEIGHT - (value - low) / (high - low) * HEIGHT

    line = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in zip(times, values))
    right, bottom = place(last, low)
    parts = [
        f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{title}</text>',
        f'<path d="M{LEFT},{top} V{bottom:.1f} H{right:.1f}" fill="none" stroke="#888"/>',
        f'<polyline points="{line}" fill="none" stroke="#0a6" stroke-width="1.2"/>',
    ]
    for value in (low, high):
        x, y = place(0, value)
        parts.append(f'<text x="{x - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
    for minute in range(0, int(last // 60) + 1, max(1, int(last // 60) // 6)):
        x, y = place(minute * 60, low)
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{minute} min</text>')
    return parts


def main():
    samples = read(sys.argv[1])
    times = samples["seconds"]
    parts = []
    begin = times[-1] * WARM_UP
    rate = samples["records"][-1] / times[-1]
    print(f"{times[-1] / 60:.1f} minutes, {rate:,.0f} records/s; slopes behind the first {begin / 60:.1f} minutes:")
    for number, (name, title, scale, unit, per) in enumerate(SERIES):
        kept = [(x, y) for x, y in zip(times, samples[name]) if x >= begin]
        found, noise = slope(means_of_minutes(*zip(*kept)))
        verdict = "none beyond its noise" if abs(found) <= noise else "NOT within its noise"
        low, high = (bound(y for _, y in kept) / scale for bound in (min, max))
        print(
            f"  {title:<20} {low:,.0f} to {high:,.0f}; "
            f"slope {found * 3600 / per:+,.1f} ± {noise * 3600 / per:,.1f} {unit}: {verdict}"
        )
        parts += panel(number, title, times, [value / scale for value in samples[name]])
    if len(sys.argv) > 2:
        height = TOP + len(SERIES) * (HEIGHT + 50)
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11">'
        back = '<rect width="100%" height="100%" fill="white"/>'
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            file.write("\n".join([head, back, *parts, "</svg>"]) + "\n")


main()
