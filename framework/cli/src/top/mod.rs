//! `datashark top`: what the daemon's use cases are doing, live.
//!
//! Asks `/api/usecases` once a second. Where the daemon is away, that is said and what it said last stays.

mod view;

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::view::View;
use crate::Failure;
use crate::args::Top;
use crate::board::Report;
use crate::client::Daemon;
use crate::standalone::runtime;

/// How often the daemon is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Shows it until `q`, Esc or Ctrl-C.
pub(crate) fn run(args: &Top) -> Result<(), Failure> {
    if !io::stdout().is_terminal() {
        let why = "`top` needs a terminal; `/api/usecases` has the same as JSON";
        return Err(Failure::Run(why.to_owned()));
    }
    let daemon = Daemon::of(&args.http, &args.engine)?;
    let runtime = runtime(1)?;
    // Where none is there at the start, that is an error.
    let first = runtime.block_on(daemon.report()).map_err(Failure::Run)?;
    let mut view = View::new(daemon.address().to_string(), first);
    let mut terminal = ratatui::try_init()?;
    let shown = show(&mut terminal, &mut view, || {
        runtime.block_on(daemon.report())
    });
    ratatui::restore();
    shown
}

fn show(
    terminal: &mut DefaultTerminal,
    view: &mut View,
    mut report: impl FnMut() -> Result<Report, String>,
) -> Result<(), Failure> {
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        if wait(view)? == Asked::Quit {
            return Ok(());
        }
        view.update(report());
    }
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    GoOn,
    Quit,
}

/// Waits for the time to ask again, or for a key.
fn wait(view: &mut View) -> Result<Asked, Failure> {
    if !event::poll(EVERY)? {
        return Ok(Asked::GoOn);
    }
    let Event::Key(key) = event::read()? else {
        return Ok(Asked::GoOn);
    };
    if key.kind == KeyEventKind::Release {
        return Ok(Asked::GoOn);
    }
    let is_interrupt =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        _ if is_interrupt => return Ok(Asked::Quit),
        KeyCode::Char('q') | KeyCode::Esc => return Ok(Asked::Quit),
        KeyCode::Down | KeyCode::Char('j') => view.choose_next(),
        KeyCode::Up | KeyCode::Char('k') => view.choose_previous(),
        _ => {}
    }
    Ok(Asked::GoOn)
}
