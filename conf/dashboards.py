#!/usr/bin/env python3
"""Dashboards of the use cases' findings, described once, here.

    conf/dashboards.py export                 writes conf/*/dashboards/*.ndjson
    conf/dashboards.py draw USECASE CSV SVG   draws the same panels from what `output = csv` wrote

The ndjson files are saved objects for Kibana 8 and 9 and OpenSearch Dashboards 2 and 3: of the form of
7.10, from which the two come, with classic visualizations, which both have. The members of a document
are those that the conf's `[out_elasticsearch]` and the query's columns name.
"""

import collections
import csv
import html
import json
import math
import pathlib
import sys

CONF = pathlib.Path(__file__).resolve().parent

# How far each type had been migrated in 7.10. OpenSearch Dashboards refuses what is newer.
MIGRATED = {"index-pattern": "7.6.0", "visualization": "7.10.0", "dashboard": "7.9.3"}
PANEL_VERSION = "7.10.0"
# How many bars, rows or slices a panel has at most.
TERMS_MAX = 10

Metric = collections.namedtuple("Metric", "agg field label")
# `by` is a field and its label, `query` in KQL is `field: value` or nothing, `grid` is x, y, width and
# height on a grid of 48 columns.
Panel = collections.namedtuple("Panel", "name title kind metrics by query grid")
Dashboard = collections.namedtuple("Dashboard", "title index key score metadata panels")

TIME = ("timestamp", "Time")

DASHBOARDS = {
    "web-anomaly-detection": Dashboard(
        "Web Anomaly Detection", "web-anomaly-detection", "source_ip", "anomaly_score",
        ["cluster", "nxx", "twoxx"],
        [
            Panel("top-sources", "Highest scores", "horizontal_bar",
                  [Metric("max", "anomaly_score", "Score")], ("source_ip", "Source"), "", (0, 0, 24, 15)),
            Panel("over-time", "Highest score over time", "histogram",
                  [Metric("max", "anomaly_score", "Score")], TIME, "", (24, 0, 24, 15)),
            Panel("clusters", "Findings by nearest centre", "pie",
                  [Metric("count", None, "Findings")], ("cluster", "Centre"), "", (0, 15, 16, 15)),
            Panel("answers", "Answers to the sources of high score", "table",
                  [Metric("max", "anomaly_score", "Score"), Metric("sum", "twoxx", "2xx"),
                   Metric("sum", "nxx", "5xx")], ("source_ip", "Source"), "", (16, 15, 32, 15)),
        ],
    ),
    "proxy-websites": Dashboard(
        "Proxy Websites", "proxy-websites", "site", "requests",
        ["bytes", "denied", "first_seen", "last_seen", "users"],
        [
            Panel("requests", "Requests", "metric",
                  [Metric("sum", "requests", "Requests")], None, "", (0, 0, 16, 7)),
            Panel("bytes", "Bytes", "metric", [Metric("sum", "bytes", "Bytes")], None, "", (16, 0, 16, 7)),
            Panel("denied", "Denied", "metric", [Metric("sum", "denied", "Denied")], None, "", (32, 0, 16, 7)),
            Panel("top-sites", "Sites by requests", "horizontal_bar",
                  [Metric("sum", "requests", "Requests")], ("site", "Site"), "", (0, 7, 24, 15)),
            Panel("top-bytes", "Sites by bytes", "horizontal_bar",
                  [Metric("sum", "bytes", "Bytes")], ("site", "Site"), "", (24, 7, 24, 15)),
            Panel("sites", "Sites", "table",
                  [Metric("sum", "requests", "Requests"), Metric("max", "users", "Users"),
                   Metric("sum", "bytes", "Bytes"), Metric("sum", "denied", "Denied")],
                  ("site", "Site"), "", (0, 22, 48, 15)),
        ],
    ),
    "httpd-traffic": Dashboard(
        "HTTPD Traffic", "httpd-traffic", "host", "requests",
        ["bytes", "error_share", "share", "sources", "status_class"],
        [
            Panel("classes", "Requests by class of answers", "pie",
                  [Metric("sum", "requests", "Requests")], ("status_class", "Class"), "", (0, 0, 16, 15)),
            Panel("hosts", "Hosts by requests", "horizontal_bar",
                  [Metric("sum", "requests", "Requests")], ("host", "Host"), "", (16, 0, 16, 15)),
            Panel("errors", "Hosts by share of errors", "horizontal_bar",
                  [Metric("max", "error_share", "Share of errors")], ("host", "Host"), "", (32, 0, 16, 15)),
            Panel("broken", "5xx answers over time", "histogram",
                  [Metric("sum", "requests", "Requests")], TIME, "status_class: 5xx", (0, 15, 16, 15)),
            Panel("answers", "Classes of answers", "table",
                  [Metric("sum", "requests", "Requests"), Metric("sum", "bytes", "Bytes"),
                   Metric("max", "sources", "Sources")], ("status_class", "Class"), "", (16, 15, 32, 15)),
        ],
    ),
    "firewall-traffic": Dashboard(
        "Firewall Traffic", "firewall-traffic", "talker", "connections",
        ["denied", "denied_share", "destinations", "first_seen", "kind", "last_seen", "ports", "sources"],
        [
            Panel("talkers", "Sources by connections", "horizontal_bar",
                  [Metric("sum", "connections", "Connections")], ("talker", "Source"), "kind: source",
                  (0, 0, 16, 15)),
            Panel("denied-sources", "Sources by denials", "horizontal_bar",
                  [Metric("sum", "denied", "Denied")], ("talker", "Source"), "kind: source", (16, 0, 16, 15)),
            Panel("ports", "Ports by connections", "horizontal_bar",
                  [Metric("sum", "connections", "Connections")], ("talker", "Port"), "kind: port",
                  (32, 0, 16, 15)),
            Panel("over-time", "Denials over time", "histogram",
                  [Metric("sum", "denied", "Denied")], TIME, "kind: source", (0, 15, 16, 15)),
            Panel("sources", "Sources", "table",
                  [Metric("sum", "connections", "Connections"), Metric("sum", "denied", "Denied"),
                   Metric("max", "denied_share", "Share denied"), Metric("max", "ports", "Ports")],
                  ("talker", "Source"), "kind: source", (16, 15, 32, 15)),
        ],
    ),
}


# -- Saved objects -----------------------------------------------------------------------------


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def saved(kind, name, attributes, references):
    return {
        "id": name,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "migrationVersion": {kind: MIGRATED[kind]},
    }


def aggregations(panel):
    aggs = []
    for i, metric in enumerate(panel.metrics, 1):
        params = {"customLabel": metric.label}
        if metric.field:
            params["field"] = metric.field
        aggs.append({"id": str(i), "enabled": True, "type": metric.agg, "schema": "metric", "params": params})
    if panel.by is None:
        return aggs
    field, label = panel.by
    if panel.by == TIME:
        kind, params = "date_histogram", {
            "field": field, "interval": "auto", "min_doc_count": 1, "drop_partials": False,
            "useNormalizedEsInterval": True, "scaleMetricValues": False, "extended_bounds": {},
        }
    else:
        kind, params = "terms", {
            "field": field, "customLabel": label, "orderBy": "1", "order": "desc", "size": TERMS_MAX,
            "otherBucket": False, "otherBucketLabel": "Other", "missingBucket": False,
            "missingBucketLabel": "Missing",
        }
    schema = "bucket" if panel.kind == "table" else "segment"
    aggs.append({"id": str(len(aggs) + 1), "enabled": True, "type": kind, "schema": schema, "params": params})
    return aggs


def axis(idx, kind, position, title):
    return {
        "id": f"{idx}Axis-1", "type": kind, "position": position, "show": True, "style": {},
        "scale": {"type": "linear", "mode": "normal"} if kind == "value" else {"type": "linear"},
        "labels": {"show": True, "rotate": 0, "filter": kind == "value", "truncate": 200},
        "title": {"text": title} if title else {},
    }


def parameters(panel):
    if panel.kind == "metric":
        style = {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 40}
        return {"type": "metric", "addTooltip": True, "addLegend": False, "metric": {
            "percentageMode": False, "useRanges": False, "colorSchema": "Green to Red",
            "metricColorMode": "None", "colorsRange": [{"from": 0, "to": 10000}],
            "labels": {"show": True}, "invertColors": False, "style": style,
        }}
    if panel.kind == "table":
        return {"perPage": TERMS_MAX, "showPartialRows": False, "showMetricsAtAllLevels": False,
                "showTotal": False, "totalFunc": "sum", "percentageCol": ""}
    if panel.kind == "pie":
        labels = {"show": True, "values": True, "last_level": True, "truncate": 100}
        return {"type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right",
                "isDonut": True, "labels": labels}
    category, value = ("left", "bottom") if panel.kind == "horizontal_bar" else ("bottom", "left")
    label = panel.metrics[0].label
    return {
        "type": "histogram", "grid": {"categoryLines": False}, "addTooltip": True, "addLegend": False,
        "legendPosition": "right", "times": [], "addTimeMarker": False, "labels": {"show": False},
        "categoryAxes": [axis("Category", "category", category, None)],
        "valueAxes": [dict(axis("Value", "value", value, label), name="LeftAxis-1")],
        "seriesParams": [{
            "show": True, "type": "histogram", "mode": "normal", "data": {"label": label, "id": "1"},
            "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "lineWidth": 2, "showCircles": True,
        }],
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }


def visualization(prefix, dashboard, panel):
    title = f"{dashboard.title}: {panel.title}"
    state = {"title": title, "type": panel.kind, "aggs": aggregations(panel), "params": parameters(panel)}
    index = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"query": {"query": panel.query, "language": "kuery"}, "filter": [], "indexRefName": index}
    attributes = {
        "title": title, "description": "", "version": 1, "uiStateJSON": "{}", "visState": compact(state),
        "kibanaSavedObjectMeta": {"searchSourceJSON": compact(source)},
    }
    reference = {"name": index, "type": "index-pattern", "id": f"{prefix}-index"}
    return saved("visualization", f"{prefix}-{panel.name}", attributes, [reference])


def saved_objects(use_case, dashboard):
    prefix = f"datashark-{use_case}"
    pattern = {"title": f"{dashboard.index}*", "timeFieldName": "timestamp"}
    yield saved("index-pattern", f"{prefix}-index", pattern, [])
    panels, references = [], []
    for i, panel in enumerate(dashboard.panels):
        yield visualization(prefix, dashboard, panel)
        x, y, w, h = panel.grid
        panels.append({
            "version": PANEL_VERSION, "panelIndex": str(i + 1), "embeddableConfig": {},
            "gridData": {"x": x, "y": y, "w": w, "h": h, "i": str(i + 1)}, "panelRefName": f"panel_{i}",
        })
        references.append({"name": f"panel_{i}", "type": "visualization", "id": f"{prefix}-{panel.name}"})
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    attributes = {
        "title": f"dataShark: {dashboard.title}", "description": "", "hits": 0, "version": 1,
        "timeRestore": False, "panelsJSON": compact(panels),
        "optionsJSON": compact({"useMargins": True, "hidePanelTitles": False}),
        "kibanaSavedObjectMeta": {"searchSourceJSON": compact(source)},
    }
    yield saved("dashboard", prefix, attributes, references)


def export(folder):
    for use_case, dashboard in DASHBOARDS.items():
        path = folder / use_case / "dashboards" / f"{use_case}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(o, separators=(",", ":")) + "\n" for o in saved_objects(use_case, dashboard)]
        path.write_text("".join(lines), encoding="utf-8")
        print(path)


# -- Pictures ----------------------------------------------------------------------------------

COLUMN, ROW = 20, 15
HEAD = 24
COLORS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb"]


def read(path, dashboard):
    """The findings of a CSV file as documents, whether or not it has a header."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    names = ["timestamp", "key", "score"] + dashboard.metadata
    if rows and rows[0] and rows[0][0] == "timestamp":
        names = rows.pop(0)
    called = {"key": dashboard.key, "score": dashboard.score}
    return [{called.get(name, name): value for name, value in zip(names, row)} for row in rows]


def measure(metric, documents):
    if metric.agg == "count":
        return len(documents)
    values = [float(d[metric.field]) for d in documents if d[metric.field] != ""]
    return {"sum": sum, "max": lambda v: max(v, default=0)}[metric.agg](values)


def buckets(panel, documents):
    """Each term or time with its measures, as the servers give them: terms by the first measure."""
    groups = collections.defaultdict(list)
    for d in documents:
        groups[d[panel.by[0]]].append(d)
    found = [(term, [measure(m, group) for m in panel.metrics]) for term, group in groups.items()]
    if panel.by == TIME:
        return sorted(found)
    return sorted(found, key=lambda b: (-b[1][0], b[0]))[:TERMS_MAX]


def selected(panel, documents):
    if not panel.query:
        return documents
    field, value = panel.query.split(": ")
    return [d for d in documents if d[field] == value]


def number(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.3g}{unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def text(x, y, content, size=11, anchor="start", color="#333", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}" '
            f'font-weight="{weight}">{html.escape(str(content))}</text>')


def rect(x, y, w, h, color, extra=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{color}"{extra}/>'


def cut(content, n_chars):
    return content if len(content) <= n_chars else content[: n_chars - 1] + "…"


def draw_bars(panel, documents, w, h):
    found = buckets(panel, documents)
    most = max((values[0] for _, values in found), default=0) or 1
    step, left = min(19, h / max(len(found), 1)), min(130, w * 0.4)
    for i, (term, values) in enumerate(found):
        y = i * step
        yield text(left - 6, y + step * 0.65, cut(term, int(left / 6.2)), anchor="end")
        length = (w - left - 45) * values[0] / most
        yield rect(left, y + 2, max(length, 1), step - 5, COLORS[0])
        yield text(left + length + 4, y + step * 0.65, number(values[0]), color="#666")


def draw_times(panel, documents, w, h):
    found = buckets(panel, documents)
    most = max((values[0] for _, values in found), default=0) or 1
    step = min(60, w / max(len(found), 1))
    for i, (time, values) in enumerate(found):
        length = (h - 34) * values[0] / most
        yield rect(i * step + 2, h - 18 - length, step - 4, max(length, 1), COLORS[0])
        if len(found) <= 8:
            yield text(i * step + 2, h - 22 - length, number(values[0]), color="#666")
    if found:
        yield text(0, h - 4, found[0][0], color="#666")
    if len(found) > 1:
        yield text(w, h - 4, found[-1][0], anchor="end", color="#666")


def draw_pie(panel, documents, w, h):
    found = buckets(panel, documents)
    total = sum(values[0] for _, values in found) or 1
    radius = min(w * 0.3, h / 2 - 6)
    x, y, at = radius + 4, h / 2, 0
    for i, (term, values) in enumerate(found):
        color, share = COLORS[i % len(COLORS)], values[0] / total
        # An arc of a whole circle has no beginning.
        share = min(share, 0.9999)
        points = [(x + radius * math.sin(2 * math.pi * t), y - radius * math.cos(2 * math.pi * t))
                  for t in (at, at + share)]
        (x0, y0), (x1, y1) = points
        yield (f'<path d="M{x:.1f},{y:.1f}L{x0:.1f},{y0:.1f}A{radius:.1f},{radius:.1f} 0 '
               f'{int(share > 0.5)} 1 {x1:.1f},{y1:.1f}Z" fill="{color}"/>')
        at += share
        yield rect(2 * radius + 18, 8 + i * 18, 10, 10, color)
        yield text(2 * radius + 33, 17 + i * 18, f"{term}: {number(values[0])}")


def draw_table(panel, documents, w, h):
    heads = [panel.by[1]] + [m.label for m in panel.metrics]
    first = 0.34 * w
    step = (w - first) / len(panel.metrics)
    for i, head in enumerate(heads):
        yield text(first + i * step if i else 0, 12, head, weight="bold", anchor="end" if i else "start")
    for row, (term, values) in enumerate(buckets(panel, documents)):
        y = 30 + row * 16
        if y > h:
            break
        yield rect(0, y - 12, w, 0.6, "#ddd")
        yield text(0, y, cut(term, int(first / 6)))
        for i, value in enumerate(values, 1):
            yield text(first + i * step, y, number(value), anchor="end")


def draw_metric(panel, documents, w, h):
    yield text(w / 2, h / 2 + 10, number(measure(panel.metrics[0], documents)), 30, "middle", COLORS[0], "bold")


DRAW = {"horizontal_bar": draw_bars, "histogram": draw_times, "pie": draw_pie, "table": draw_table,
        "metric": draw_metric}


def draw(use_case, source, target):
    dashboard = DASHBOARDS[use_case]
    documents = read(source, dashboard)
    height = max(y + h for _, y, _, h in (p.grid for p in dashboard.panels)) * ROW
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {48 * COLUMN} {height}" '
             f'font-family="sans-serif">', rect(0, 0, 48 * COLUMN, height, "#f4f5f7")]
    for panel in dashboard.panels:
        x, y, w, h = panel.grid
        x, y, w, h = x * COLUMN + 4, y * ROW + 4, w * COLUMN - 8, h * ROW - 8
        parts.append(rect(x, y, w, h, "#fff", ' rx="3" stroke="#d3dae6"'))
        parts.append(text(x + 10, y + 17, panel.title, 12, weight="bold"))
        inner = DRAW[panel.kind](panel, selected(panel, documents), w - 20, h - HEAD - 12)
        parts.append(f'<g transform="translate({x + 10},{y + HEAD + 6})">')
        parts.extend(inner)
        parts.append("</g>")
    parts.append("</svg>")
    pathlib.Path(target).write_text("\n".join(parts) + "\n", encoding="utf-8")


def main(arguments):
    match arguments:
        case ["export"]:
            export(CONF)
        # Elsewhere, for the test that what is checked in is what this writes.
        case ["export", folder]:
            export(pathlib.Path(folder))
        case ["draw", use_case, source, target] if use_case in DASHBOARDS:
            draw(use_case, source, target)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
