#!/usr/bin/env python3
"""The Grafana dashboard of what dataShark is doing, described once, here.

    monitoring/grafana.py [FILE]    writes the dashboard, to monitoring/datashark.json if not said

For Grafana 10 and later, over the metrics that `/metrics` gives; README.md lists these. The data source
is chosen in Grafana. A test of the binary holds that every metric here is one that it gives.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Grafana's version 39 of the form is that of Grafana 10.
SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${source}"}
# Of the use cases that are chosen above the dashboard.
OF = '{use_case=~"$use_case"}'


def rate(metric, by):
    return f"sum by ({by}) (rate({metric}{OF}[$__rate_interval]))"


def latest(metric, by, how="sum"):
    return f"{how} by ({by}) ({metric}{OF})"


# Title, what it says, Grafana's unit, queries with their legends, and x, y, width, height on a grid of 24 columns.
PANELS = [
    ("Conservation gap", "Records that are missing or counted twice. Anything but 0 is a defect.", "none",
     [("sum(abs(datashark_conservation_gap%s))" % OF, "gap")], "stat", (0, 0, 4, 5)),
    ("Use cases that failed", "They run again by themselves; the log says why.", "none",
     [('sum(datashark_use_case_state{state="failed",use_case=~"$use_case"})', "failed")], "stat", (4, 0, 4, 5)),
    ("Records a second", "What the inputs give.", "short",
     [("sum(rate(datashark_records_read_total%s[$__rate_interval]))" % OF, "read")], "stat", (8, 0, 4, 5)),
    ("Bytes a second", "What the inputs give.", "Bps",
     [("sum(rate(datashark_read_bytes_total%s[$__rate_interval]))" % OF, "read")], "stat", (12, 0, 4, 5)),
    ("Resident memory", "Of the process.", "bytes",
     [("process_resident_memory_bytes", "{{instance}}")], "stat", (16, 0, 4, 5)),
    ("In quarantine", "Records that did not parse and findings that were refused, on disk.", "bytes",
     [("sum(datashark_quarantine_bytes%s)" % OF, "quarantine")], "stat", (20, 0, 4, 5)),
    ("Records read", "By use case.", "short",
     [(rate("datashark_records_read_total", "use_case"), "{{use_case}}")], "timeseries", (0, 5, 12, 8)),
    ("What became of them", "Of all chosen use cases: aggregated, or why not.", "short",
     [("sum(rate(datashark_records_%s_total%s[$__rate_interval]))" % (fate, OF), fate)
      for fate in ("aggregated", "filtered", "invalid", "late")], "timeseries", (12, 5, 12, 8)),
    ("Watermark behind the clock", "How far event time is behind. It grows where an input is silent.", "s",
     [(latest("datashark_watermark_lag_seconds", "use_case", "max"), "{{use_case}}")],
     "timeseries", (0, 13, 12, 8)),
    ("Records behind", "Of Kafka's partitions: what is not accounted for yet.", "short",
     [(latest("datashark_partition_lag_records", "use_case, partition"), "{{use_case}} {{partition}}")],
     "timeseries", (12, 13, 12, 8)),
    ("Bytes behind", "Of watched files: what is not accounted for yet.", "bytes",
     [(latest("datashark_partition_lag_bytes", "use_case"), "{{use_case}}")], "timeseries", (0, 21, 8, 8)),
    ("Records in flight", "Read, and with a lane.", "short",
     [(latest("datashark_records_in_flight", "use_case"), "{{use_case}}")], "timeseries", (8, 21, 8, 8)),
    ("Open windows", "That have records.", "short",
     [(latest("datashark_open_windows", "use_case"), "{{use_case}}")], "timeseries", (16, 21, 8, 8)),
    ("State of the open windows", "In memory; `memory_limit` is held against it.", "bytes",
     [(latest("datashark_window_state_bytes", "use_case"), "{{use_case}}")], "timeseries", (0, 29, 8, 8)),
    ("Windows closed", "That had rows.", "short",
     [(rate("datashark_windows_total", "use_case"), "{{use_case}}")], "timeseries", (8, 29, 8, 8)),
    ("Findings", "Made, and what outputs have of them or refused.", "short",
     [("sum(rate(datashark_findings_%s%s[$__rate_interval]))" % (name, OF), legend) for name, legend in
      (("total", "made"), ("delivered_total", "delivered"), ("refused_total", "refused"))],
     "timeseries", (16, 29, 8, 8)),
    ("Delivery, 95th percentile", "From the first try until all findings are safe or refused.", "s",
     [("histogram_quantile(0.95, sum by (le, use_case, output) "
       "(rate(datashark_output_latency_seconds_bucket%s[$__rate_interval])))" % OF, "{{use_case}} {{output}}")],
     "timeseries", (0, 37, 8, 8)),
    ("Outputs asked again", "An output that is away is asked until it is there.", "short",
     [(rate("datashark_output_retries_total", "use_case, output"), "{{use_case}} {{output}}")],
     "timeseries", (8, 37, 8, 8)),
    ("Waiting for outputs", "In memory and in the spool.", "bytes",
     [(latest("datashark_output_waiting_bytes", "use_case, output"), "{{use_case}} {{output}}")],
     "timeseries", (16, 37, 8, 8)),
    ("Restarts", "Of use cases that failed.", "short",
     [("sum by (use_case) (increase(datashark_use_case_restarts_total%s[$__rate_interval]))" % OF,
       "{{use_case}}")], "timeseries", (0, 45, 8, 8)),
    ("Open files", "Of the process.", "short", [("process_open_fds", "{{instance}}")],
     "timeseries", (8, 45, 8, 8)),
    ("Threads", "Of the process.", "short", [("process_threads", "{{instance}}")],
     "timeseries", (16, 45, 8, 8)),
]


def panel(number, title, about, unit, queries, kind, grid):
    x, y, width, height = grid
    drawn = {
        "id": number,
        "title": title,
        "description": about,
        "type": kind,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for i, (query, legend) in enumerate(queries)
        ],
    }
    if kind == "stat":
        drawn["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area"}
    if title in ("Conservation gap", "Use cases that failed"):
        steps = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
        drawn["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    return drawn


def dashboard():
    variables = [
        {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "use_case", "label": "Use case", "type": "query", "datasource": SOURCE,
            "query": {"query": "label_values(datashark_use_case_state, use_case)", "refId": "use_case"},
            "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]
    return {
        "title": "dataShark",
        "uid": "datashark",
        "tags": ["datashark"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables},
        "panels": [panel(i, *described) for i, described in enumerate(PANELS, 1)],
    }


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "datashark.json"
    target.write_text(json.dumps(dashboard(), indent=1) + "\n")
