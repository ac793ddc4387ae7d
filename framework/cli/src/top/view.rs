//! What `top` draws: the use cases, and of the chosen one the partitions and the outputs.

use std::time::Duration;

use datashark_engine::{Lag, Ledger, OutputStatus, PartitionStatus};
use datashark_sdk::input::{Micros, OffsetUnit};
use indicatif::{DecimalBytes, HumanDuration};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Row, Table, TableState};

use crate::board::{Report, State, UseCase};
use crate::text::{count, local_time};

/// Stands where there is nothing to say.
const NOTHING: &str = "-";

/// What is shown.
pub(super) struct View {
    address: String,
    /// What the daemon said last, and before that, for the rates.
    now: Report,
    before: Option<Report>,
    /// Why it says nothing now.
    away: Option<String>,
    chosen: TableState,
}

impl View {
    /// A view of what a daemon says.
    pub(super) fn new(address: String, first: Report) -> Self {
        View {
            address,
            now: first,
            before: None,
            away: None,
            chosen: TableState::default().with_selected(0),
        }
    }

    /// The daemon said something, or nothing. Rates are over a second at least: keys come faster.
    pub(super) fn update(&mut self, said: Result<Report, String>) {
        match said {
            Ok(report) => {
                let last = std::mem::replace(&mut self.now, report);
                let before = self.before.get_or_insert_with(|| last.clone());
                if self.now.time - last.time >= 900_000 {
                    *before = last;
                }
                self.away = None;
            }
            Err(why) => self.away = Some(why),
        }
    }

    pub(super) fn choose_next(&mut self) {
        let last = self.now.use_cases.len().saturating_sub(1);
        let next = self.chosen.selected().map_or(0, |idx| idx + 1);
        self.chosen.select(Some(next.min(last)));
    }

    pub(super) fn choose_previous(&mut self) {
        let idx = self.chosen.selected().unwrap_or_default();
        self.chosen.select(Some(idx.saturating_sub(1)));
    }

    /// Draws all of it.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let chosen = self.chosen.selected().unwrap_or_default();
        let chosen = self.now.use_cases.get(chosen);
        let n_outputs = chosen.map_or(0, |it| it.outputs.len());
        // Borders and the line of names.
        let height = |n_rows: usize| u16::try_from(n_rows.saturating_add(3)).unwrap_or(u16::MAX);
        let [head, use_cases, outputs, partitions] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Max(height(self.now.use_cases.len())),
            Constraint::Max(height(n_outputs)),
            Constraint::Min(4),
        ])
        .areas(frame.area());
        frame.render_widget(self.head(), head);
        if let Some(it) = chosen {
            self.draw_outputs(frame, outputs, it);
            self.draw_partitions(frame, partitions, it);
        }
        self.draw_use_cases(frame, use_cases);
    }

    fn head(&self) -> Line<'_> {
        match &self.away {
            Some(why) => Line::styled(
                format!("{why}; as of {}", local_time(self.now.time)),
                Style::new().fg(Color::Red),
            ),
            None => Line::from(format!(
                "dataShark {} at {}, {}; up and down choose, q ends",
                self.now.version,
                self.address,
                local_time(self.now.time)
            )),
        }
    }

    fn draw_use_cases(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let names = [
            "use case",
            "state",
            "records/s",
            "bytes/s",
            "read",
            "filtered",
            "invalid",
            "late",
            "in flight",
            "behind",
            "windows",
            "state",
            "findings",
            "gap",
        ];
        let rows = self.now.use_cases.iter().map(|it| {
            let Some(run) = &it.run else {
                return Row::new(vec![Cell::from(it.name.as_str()), state(it)]);
            };
            let total = &run.total;
            let of = |of: fn(&Ledger) -> u64| self.rate(it, of);
            let behind = run.watermark.filter(|_| it.state == State::Running);
            let behind = behind.map(|watermark| duration(self.now.time - watermark));
            let numbers = [
                of(|ledger| ledger.read).map(|rate| count(rate as u64)),
                of(|ledger| ledger.n_bytes).map(|rate| size(rate as u64)),
                Some(count(total.read)),
                Some(count(total.filtered)),
                Some(count(total.invalid)),
                Some(count(total.late)),
                Some(count(total.in_flight)),
                behind,
                Some(count(run.n_open_windows as u64)),
                Some(size(run.state_bytes as u64)),
                Some(count(run.n_findings)),
                Some(total.conservation_gap().to_string()),
            ];
            let first = vec![Cell::from(it.name.as_str()), state(it)];
            Row::new(first.into_iter().chain(numbers.into_iter().map(number)))
        });
        let table = table("use cases", &names, 2, rows.collect());
        let table = table.row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_stateful_widget(table, area, &mut self.chosen);
    }

    fn draw_outputs(&self, frame: &mut Frame<'_>, area: Rect, it: &UseCase) {
        let names = [
            "output",
            "delivered",
            "refused",
            "retries",
            "waiting",
            "latency",
            "trouble",
        ];
        let row = |(name, output): (&String, &OutputStatus)| {
            let n = i64::try_from(output.latency.n()).unwrap_or(i64::MAX);
            let mean = output.latency.sum.checked_div(n);
            let numbers = [
                Some(count(output.n_delivered)),
                Some(count(output.n_refused)),
                Some(count(output.n_retries)),
                Some(size(output.waiting_bytes)),
                mean.map(|mean| format!("{:.3} s", mean as f64 / 1e6)),
            ];
            let trouble = Cell::from(output.trouble.clone().unwrap_or_default());
            let numbers = numbers.into_iter().map(number);
            let first = std::iter::once(Cell::from(name.clone()));
            Row::new(first.chain(numbers).chain([trouble.style(Color::Yellow)]))
        };
        let rows = it.outputs.iter().map(row).collect();
        let mut table = table(&format!("{}: outputs", it.name), &names, 1, rows);
        table = table.widths([
            Constraint::Length(16),
            Constraint::Length(13),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(11),
            Constraint::Length(11),
            Constraint::Min(10),
        ]);
        frame.render_widget(table, area);
    }

    fn draw_partitions(&self, frame: &mut Frame<'_>, area: Rect, it: &UseCase) {
        let partitions = it.run.as_ref().map(|run| run.partitions.as_slice());
        let partitions = partitions.unwrap_or_default();
        let names = [
            "partition",
            "read",
            "filtered",
            "invalid",
            "late",
            "in flight",
            "lag",
            "latest time",
        ];
        let shown = usize::from(area.height);
        let rows = partitions.iter().take(shown).map(partition_row).collect();
        let n_partitions = count(partitions.len() as u64);
        let title = format!("{}: partitions ({n_partitions})", it.name);
        let mut table = table(&title, &names, 1, rows);
        table = table.widths([
            Constraint::Min(20),
            Constraint::Length(13),
            Constraint::Length(12),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(12),
            Constraint::Length(19),
        ]);
        frame.render_widget(table, area);
    }

    /// How fast a count of a use case grows, a second; `None` before it is known, and where the use
    /// case has begun anew.
    fn rate(&self, it: &UseCase, of: fn(&Ledger) -> u64) -> Option<f64> {
        let before = self.before.as_ref()?;
        let earlier = before.use_cases.iter().find(|other| other.name == it.name);
        let (earlier, now) = (earlier?.run.as_ref()?, it.run.as_ref()?);
        let grown = of(&now.total).checked_sub(of(&earlier.total))?;
        // When the runs said so, not when they were asked.
        let took_us = now.time - earlier.time;
        (took_us > 0).then(|| grown as f64 * 1e6 / took_us as f64)
    }
}

fn table<'a>(title: &str, names: &[&'a str], n_texts: usize, rows: Vec<Row<'a>>) -> Table<'a> {
    let widths = names.iter().enumerate().map(|(i, _)| match i {
        0 => Constraint::Min(16),
        _ => Constraint::Length(10),
    });
    let names = names.iter().enumerate().map(|(i, name)| match i {
        i if i < n_texts => Cell::from(*name),
        _ if *name == "trouble" => Cell::from(*name),
        _ => Cell::from(Line::from(*name).right_aligned()),
    });
    let header = Row::new(names).style(Style::new().add_modifier(Modifier::BOLD));
    let block = Block::bordered().title(title.to_owned());
    Table::new(rows, widths).header(header).block(block)
}

fn partition_row(partition: &PartitionStatus) -> Row<'_> {
    let ledger = &partition.ledger;
    let numbers = [
        Some(count(ledger.read)),
        Some(count(ledger.filtered)),
        Some(count(ledger.invalid)),
        Some(count(ledger.late)),
        Some(count(ledger.in_flight)),
        partition.lag.map(lag),
        partition.max_time.map(local_time),
    ];
    let first = std::iter::once(Cell::from(partition.name.as_str()));
    Row::new(first.chain(numbers.into_iter().map(number)))
}

fn state(it: &UseCase) -> Cell<'_> {
    let color = match it.state {
        State::Running => Color::Green,
        State::Failed => Color::Red,
        State::Waiting | State::Starting => Color::Yellow,
        State::Ended => Color::Reset,
    };
    Cell::from(it.state.as_str()).style(color)
}

fn number<'a>(text: Option<String>) -> Cell<'a> {
    let text = text.unwrap_or_else(|| NOTHING.to_owned());
    Cell::from(Line::from(text).right_aligned())
}

fn size(n_bytes: u64) -> String {
    DecimalBytes(n_bytes).to_string()
}

fn duration(micros: Micros) -> String {
    let micros = u64::try_from(micros).unwrap_or_default();
    format!("{:#}", HumanDuration(Duration::from_micros(micros)))
}

fn lag(lag: Lag) -> String {
    match lag.unit {
        OffsetUnit::Records => count(lag.n),
        OffsetUnit::Bytes => size(lag.n),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datashark_engine::Status;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn report(time: Micros, read: u64) -> Report {
        let ledger = Ledger {
            read,
            filtered: 4,
            aggregated: read - 4,
            n_bytes: read * 1_000,
            ..Ledger::default()
        };
        let partition = PartitionStatus {
            id: "t[0]".to_owned(),
            name: "t[0]".to_owned(),
            ledger,
            lag: Some(Lag {
                n: 12_345,
                unit: OffsetUnit::Records,
            }),
            ..PartitionStatus::default()
        };
        let run = Status {
            time,
            partitions: vec![partition],
            total: ledger,
            watermark: Some(time - 90_000_000),
            n_open_windows: 2,
            ..Status::default()
        };
        let output = OutputStatus {
            n_delivered: 7,
            trouble: Some("connection refused".to_owned()),
            ..OutputStatus::default()
        };
        let use_case = |name: &str, state, run| UseCase {
            name: name.to_owned(),
            conf: String::new(),
            is_streaming: true,
            state,
            reason: None,
            n_restarts: 0,
            run,
            outputs: BTreeMap::from([("csv".to_owned(), output.clone())]),
        };
        Report {
            version: "0.1.0".to_owned(),
            time,
            use_cases: vec![
                use_case("Hits", State::Running, Some(run)),
                use_case("Broken", State::Failed, None),
            ],
        }
    }

    /// The lines of the screen.
    fn drawn(view: &mut View) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(170, 16)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let cells = buffer.content().chunks(usize::from(buffer.area().width));
        cells
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    /// The words of the line that begins with one.
    fn words<'a>(lines: &'a [String], first: &str) -> Vec<&'a str> {
        let words = |line: &'a String| -> Vec<&'a str> {
            let words = line.split_whitespace();
            words.filter(|word| *word != "│").collect()
        };
        let mut found = lines.iter().map(words);
        let is_it = |words: &Vec<&str>| words.first() == Some(&first);
        found.find(is_it).unwrap_or_else(|| panic!("{lines:#?}"))
    }

    #[test]
    fn rates_counts_and_troubles_are_shown_and_a_daemon_that_went_away_is_told() {
        let mut view = View::new("127.0.0.1:9600".to_owned(), report(100_000_000, 1_000));
        view.update(Ok(report(102_000_000, 5_000)));
        let lines = drawn(&mut view);
        assert_eq!(
            words(&lines, "│Hits"),
            [
                "│Hits", "running", "2,000", "2.00", "MB", "5,000", "4", "0", "0", "0", "2m", "2",
                "0", "B", "0", "0│"
            ]
        );
        assert_eq!(words(&lines, "│Broken")[..2], ["│Broken", "failed"]);
        let partition = words(&lines, "│t[0]");
        assert!(partition.contains(&"12,345"), "{partition:?}");
        let output = words(&lines, "│csv");
        assert!(
            output.contains(&"refused│") || output.contains(&"refused"),
            "{output:?}"
        );
        view.update(Err("no daemon answers at 127.0.0.1:9600".to_owned()));
        let lines = drawn(&mut view);
        assert!(lines[0].starts_with("no daemon answers at 127.0.0.1:9600; as of "));
        assert_eq!(words(&lines, "│Hits")[1], "running");
    }

    #[test]
    fn the_chosen_use_case_shows_its_partitions() {
        let mut view = View::new(String::new(), report(100_000_000, 1_000));
        view.choose_previous();
        assert!(
            drawn(&mut view)
                .iter()
                .any(|line| line.contains("Hits: partitions (1)"))
        );
        view.choose_next();
        view.choose_next();
        assert!(
            drawn(&mut view)
                .iter()
                .any(|line| line.contains("Broken: partitions (0)"))
        );
    }
}
