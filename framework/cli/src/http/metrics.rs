//! Metrics as Prometheus reads them: its text format, version 0.0.4.
//!
//! Written here, as the counts are in the board already: libraries for this keep counts of their own,
//! and `prometheus-client`, which can write those of others, does not escape the values of labels. A
//! partition's name is a file's, and whoever writes the files chooses it.
//!
//! Counts begin anew with each run of a use case, which Prometheus takes for a restart. With more than
//! [`MOST_PARTITIONS`] partitions a use case is told as one, `partition="*"`, with what is gone: so the
//! series stay few, whatever is put into a watched folder.

use std::fmt::Write;

use datashark_engine::{Latency, Ledger, OutputStatus, PartitionStatus, Status};
use datashark_sdk::input::{Micros, OffsetUnit};

use super::process::Process;
use crate::board::{Report, State, UseCase};

/// What an answer is called.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How many partitions of a use case are told each for itself.
const MOST_PARTITIONS: usize = 500;
/// The name of all partitions together.
const ALL_PARTITIONS: &str = "*";

/// The metrics of a report, and of this process.
pub(super) fn render(report: &Report) -> String {
    let mut text = Text::default();
    of_use_cases(&mut text, report);
    of_runs(&mut text, report);
    of_partitions(&mut text, report);
    of_outputs(&mut text, report);
    of_process(&mut text, report);
    text.0
}

fn of_use_cases(text: &mut Text, report: &Report) {
    let mut states = text.gauge(
        "datashark_use_case_state",
        "1 for the state that a use case is in, 0 for the others",
    );
    for it in &report.use_cases {
        for state in State::ALL {
            let labels = [("use_case", it.name.as_str()), ("state", state.as_str())];
            states.add(&labels, u64::from(it.state == state));
        }
    }
    let mut restarts = text.counter(
        "datashark_use_case_restarts_total",
        "How often a use case failed and was run again",
    );
    for it in &report.use_cases {
        restarts.add(&[("use_case", &it.name)], it.n_restarts);
    }
}

/// A number of a run.
type OfRun = fn(&Status) -> Option<f64>;

fn of_runs(text: &mut Text, report: &Report) {
    let gauges: [(&str, &str, OfRun); 5] = [
        (
            "datashark_watermark_seconds",
            "No record of an earlier event time is expected any more, in seconds since 1970",
            |run| run.watermark.map(seconds),
        ),
        (
            "datashark_open_windows",
            "Windows that have records and are not closed",
            |run| Some(run.n_open_windows as f64),
        ),
        (
            "datashark_window_state_bytes",
            "About what the open windows take in memory",
            |run| Some(run.state_bytes as f64),
        ),
        (
            "datashark_conservation_gap",
            "Records that are missing or counted twice: always 0",
            |run| Some(run.total.conservation_gap() as f64),
        ),
        (
            "datashark_status_seconds",
            "When the run last said how it stands, in seconds since 1970",
            |run| Some(seconds(run.time)),
        ),
    ];
    for (name, help, value) in gauges {
        runs(&mut text.gauge(name, help), report, value);
    }
    let mut lag = text.gauge(
        "datashark_watermark_lag_seconds",
        "How far the watermark is behind the clock",
    );
    for it in &report.use_cases {
        let watermark = it.run.as_ref().and_then(|run| run.watermark);
        if let Some(watermark) = watermark.filter(|_| it.state == State::Running) {
            let lag_us = report.time.saturating_sub(watermark);
            lag.add(&[("use_case", &it.name)], seconds(lag_us));
        }
    }
    let counters: [(&str, &str, OfRun); 2] = [
        (
            "datashark_windows_total",
            "Windows that were closed and had rows",
            |run| Some(run.n_windows as f64),
        ),
        (
            "datashark_findings_total",
            "Findings that were made",
            |run| Some(run.n_findings as f64),
        ),
    ];
    for (name, help, value) in counters {
        runs(&mut text.counter(name, help), report, value);
    }
    let mut quarantine = text.gauge(
        "datashark_quarantine_bytes",
        "What the quarantine takes on disk; kind is `records`, or the output that refused findings",
    );
    for it in &report.use_cases {
        let name = it.name.as_str();
        if let Some(run) = &it.run {
            let labels = [("use_case", name), ("kind", "records")];
            quarantine.add(&labels, run.quarantine_bytes);
        }
        for (output, status) in &it.outputs {
            let labels = [("use_case", name), ("kind", output)];
            quarantine.add(&labels, status.quarantine_bytes);
        }
    }
}

fn runs(family: &mut Family<'_>, report: &Report, value: OfRun) {
    for it in &report.use_cases {
        if let Some(value) = it.run.as_ref().and_then(value) {
            family.add(&[("use_case", &it.name)], value);
        }
    }
}

fn of_partitions(text: &mut Text, report: &Report) {
    type OfLedger = fn(&Ledger) -> u64;
    let counters: [(&str, &str, OfLedger); 6] = [
        (
            "datashark_records_read_total",
            "Records that the input gave",
            |ledger| ledger.read,
        ),
        (
            "datashark_records_filtered_total",
            "Records that `log_filter` left out",
            |ledger| ledger.filtered,
        ),
        (
            "datashark_records_invalid_total",
            "Records that did not parse",
            |ledger| ledger.invalid,
        ),
        (
            "datashark_records_late_total",
            "Records that came after all their windows had closed",
            |ledger| ledger.late,
        ),
        (
            "datashark_records_aggregated_total",
            "Records that were aggregated",
            |ledger| ledger.aggregated,
        ),
        (
            "datashark_read_bytes_total",
            "Bytes of records taken from the input",
            |ledger| ledger.n_bytes,
        ),
    ];
    for (name, help, value) in counters {
        ledgers(&mut text.counter(name, help), report, value);
    }
    let in_flight = &mut text.gauge(
        "datashark_records_in_flight",
        "Records read and not yet accounted for",
    );
    ledgers(in_flight, report, |ledger| ledger.in_flight);
    type OfPartition = fn(&PartitionStatus) -> Option<f64>;
    let gauges: [(&str, &str, OfPartition); 5] = [
        (
            "datashark_partition_lag_records",
            "Records of the partition that are not accounted for yet, where it counts records",
            |partition| lag_in(partition, OffsetUnit::Records),
        ),
        (
            "datashark_partition_lag_bytes",
            "Bytes of the partition that are not accounted for yet, where it counts bytes",
            |partition| lag_in(partition, OffsetUnit::Bytes),
        ),
        (
            "datashark_partition_offset",
            "All before this offset is accounted for",
            |partition| Some(partition.offset as f64),
        ),
        (
            "datashark_partition_event_time_seconds",
            "The latest event time of the partition's records, in seconds since 1970",
            |partition| partition.max_time.map(seconds),
        ),
        (
            "datashark_partition_idle",
            "1 where the partition is idle and holds no window back, else 0",
            |partition| Some(f64::from(u8::from(partition.is_idle))),
        ),
    ];
    for (name, help, value) in gauges {
        let mut family = text.gauge(name, help);
        for (it, run) in with_runs(report) {
            if run.partitions.len() > MOST_PARTITIONS {
                continue;
            }
            for partition in &run.partitions {
                if let Some(value) = value(partition) {
                    family.add(&labels(it, partition), value);
                }
            }
        }
    }
}

/// Files may come by the same name one after another: then the id tells them apart.
fn labels<'a>(it: &'a UseCase, partition: &'a PartitionStatus) -> Vec<(&'static str, &'a str)> {
    let mut labels = vec![
        ("use_case", it.name.as_str()),
        ("partition", &partition.name),
    ];
    if partition.id != partition.name {
        labels.push(("partition_id", &partition.id));
    }
    labels
}

fn lag_in(partition: &PartitionStatus, unit: OffsetUnit) -> Option<f64> {
    let lag = partition.lag.filter(|lag| lag.unit == unit)?;
    Some(lag.n as f64)
}

fn ledgers(family: &mut Family<'_>, report: &Report, value: fn(&Ledger) -> u64) {
    for (it, run) in with_runs(report) {
        if run.partitions.len() > MOST_PARTITIONS {
            let labels = [
                ("use_case", it.name.as_str()),
                ("partition", ALL_PARTITIONS),
            ];
            family.add(&labels, value(&run.total));
            continue;
        }
        for partition in &run.partitions {
            family.add(&labels(it, partition), value(&partition.ledger));
        }
    }
}

fn with_runs(report: &Report) -> impl Iterator<Item = (&UseCase, &Status)> {
    let use_cases = report.use_cases.iter();
    use_cases.filter_map(|it| Some((it, it.run.as_ref()?)))
}

fn of_outputs(text: &mut Text, report: &Report) {
    type OfOutput = fn(&OutputStatus) -> u64;
    let counters: [(&str, &str, OfOutput); 3] = [
        (
            "datashark_findings_delivered_total",
            "Findings that an output has",
            |output| output.n_delivered,
        ),
        (
            "datashark_findings_refused_total",
            "Findings that an output refused for good; they are in quarantine",
            |output| output.n_refused,
        ),
        (
            "datashark_output_retries_total",
            "How often an output was asked again",
            |output| output.n_retries,
        ),
    ];
    for (name, help, value) in counters {
        outputs(&mut text.counter(name, help), report, value);
    }
    let gauges: [(&str, &str, OfOutput); 2] = [
        (
            "datashark_output_waiting_windows",
            "Windows whose findings wait for an output",
            |output| output.n_waiting_windows as u64,
        ),
        (
            "datashark_output_waiting_bytes",
            "What findings that wait for an output take, in memory and in its spool",
            |output| output.waiting_bytes,
        ),
    ];
    for (name, help, value) in gauges {
        outputs(&mut text.gauge(name, help), report, value);
    }
    let mut latency = text.family(
        "datashark_output_latency_seconds",
        "How long deliveries took, from the first try until all findings were safe or refused",
        "histogram",
    );
    for it in &report.use_cases {
        for (output, status) in &it.outputs {
            let labels = [("use_case", it.name.as_str()), ("output", output)];
            latency.add_histogram(&labels, &status.latency);
        }
    }
}

fn outputs(family: &mut Family<'_>, report: &Report, value: fn(&OutputStatus) -> u64) {
    for it in &report.use_cases {
        for (output, status) in &it.outputs {
            let labels = [("use_case", it.name.as_str()), ("output", output)];
            family.add(&labels, value(status));
        }
    }
}

/// Under the names that Prometheus's own clients use for them.
fn of_process(text: &mut Text, report: &Report) {
    let process = Process::now();
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Resident memory of the process",
            process.resident_bytes,
        ),
        (
            "process_open_fds",
            "Open file descriptors of the process",
            process.n_open_files,
        ),
        (
            "process_threads",
            "Threads of the process",
            process.n_threads,
        ),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            text.gauge(name, help).add(&[], value);
        }
    }
    let mut build = text.gauge("datashark_build_info", "1, with the version as a label");
    build.add(&[("version", &report.version)], 1_u64);
}

fn seconds(micros: Micros) -> f64 {
    micros as f64 / 1e6
}

/// A text of metrics in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    fn family(&mut self, name: &'static str, help: &str, kind: &str) -> Family<'_> {
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        let text = &mut self.0;
        Family { text, name }
    }
}

/// The series of one name.
struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    fn add(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.sample("", labels, value);
    }

    fn add_histogram(&mut self, labels: &[(&str, &str)], latency: &Latency) {
        let mut n_below = 0;
        let infinity = std::iter::once("+Inf".to_owned());
        let bounds = Latency::BOUNDS
            .iter()
            .map(|bound| seconds(*bound).to_string());
        for (count, bound) in latency.counts.iter().zip(bounds.chain(infinity)) {
            n_below += count;
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.sample("_bucket", &labels, n_below);
        }
        self.sample("_sum", labels, seconds(latency.sum));
        self.sample("_count", labels, latency.n());
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (i, (label, value)) in labels.iter().enumerate() {
            let start = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{start}{label}=\"{}\"", escaped(value));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

/// A label's value: a backslash, a quote and the end of a line would end it.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
