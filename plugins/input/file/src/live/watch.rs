//! The operating system's notifications of changes in a folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::live::Message;

/// Notifications of a folder, as long as it lives.
pub(super) struct Watch {
    _watcher: RecommendedWatcher,
    changed: Arc<AtomicBool>,
}

impl Watch {
    /// Sends a message once something changes in the folder, and no other before it is asked to.
    ///
    /// # Errors
    /// The operating system has no notifications, or no more of them, for this folder.
    pub(super) fn new(
        folder: &Path,
        recursive: bool,
        messages: Sender<Message>,
    ) -> notify::Result<Self> {
        let changed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&changed);
        let tell = move |event: notify::Result<Event>| {
            // Our own reading is an access, too.
            let matters = !matches!(
                event,
                Ok(Event {
                    kind: EventKind::Access(_),
                    ..
                })
            );
            if matters && !told.swap(true, Ordering::AcqRel) {
                // Nobody listens any more: then nobody needs to know.
                let _ = messages.send(Message::Changed);
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(tell, config)?;
        let depth = if recursive {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        watcher.watch(folder, depth)?;
        Ok(Watch {
            _watcher: watcher,
            changed,
        })
    }

    /// Asks for the next message: called before the folder is looked at.
    pub(super) fn rearm(&self) {
        self.changed.store(false, Ordering::Release);
    }
}
