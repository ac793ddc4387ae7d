//! When a use case with a schedule has its turns, and waiting for them.

use std::sync::Arc;

use datashark_conf::Schedule;
use datashark_engine::{Clock, Observer};
use datashark_sdk::input::Micros;

use crate::text::local_time;

/// The longest that is waited without a look at the clock: it may be set meanwhile, and the machine
/// may sleep.
const LOOK: Micros = 60_000_000;

/// The turns of a use case, one after another.
pub(super) struct Timetable {
    schedule: Schedule,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    /// The next turn, or the one that is run now; `None` where none comes any more.
    due: Option<Micros>,
}

impl Timetable {
    /// That of a daemon that starts now.
    pub(super) fn new(
        schedule: Schedule,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let due = schedule.first(clock.now());
        let timetable = Timetable {
            schedule,
            observer,
            clock,
            due,
        };
        if !timetable.schedule.begins_at_once() {
            timetable.tell();
        }
        timetable
    }

    /// Waits for the next turn; false where none comes any more.
    pub(super) async fn due(&self) -> bool {
        let Some(due) = self.due else {
            return false;
        };
        while self.clock.now() < due {
            let look = self.clock.now().saturating_add(LOOK);
            self.clock.wait_until(due.min(look)).await;
        }
        true
    }

    /// The turn that was due is over: says which one is next, and whether any passed meanwhile.
    pub(super) fn ran(&mut self) {
        let Some(due) = self.due else { return };
        let now = self.clock.now();
        let following = self.schedule.following(due);
        self.due = self.schedule.upcoming(due, now);
        if let Some(skipped) = following.filter(|time| *time <= now) {
            self.observer.message(&format!(
                "the run of {} took longer than until the turn of {}, which is skipped",
                local_time(due),
                local_time(skipped)
            ));
        }
        self.tell();
    }

    fn tell(&self) {
        let message = match self.due {
            Some(due) => format!("next run at {}", local_time(due)),
            None => "no further run: the schedule has no later time".to_owned(),
        };
        self.observer.message(&message);
    }
}
