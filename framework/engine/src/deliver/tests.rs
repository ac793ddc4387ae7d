//! What is delivered, held back, repeated and kept, whatever the outputs do.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use datashark_sdk::output::{Fate, Outcome};

use super::testing::{HastyClock, Scripted, findings};
use super::*;
use crate::quarantine::{Origin, QuarantineFolder};
use crate::run::MaybeHad;

struct Nobody;

impl Observer for Nobody {}

/// Keeps all that outputs tell of themselves.
#[derive(Default)]
struct Told(Mutex<Vec<OutputStatus>>);

impl Observer for Told {
    fn output(&self, name: &str, status: &OutputStatus) {
        assert_eq!(name, "es");
        self.0.lock().unwrap().push(status.clone());
    }
}

/// What a delivery runs in; dropping the sender would say that nobody can stop it.
struct World {
    folder: tempfile::TempDir,
    settings: Settings,
    stop: watch::Sender<Stop>,
}

impl World {
    fn with(patience: Patience) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (stop, stopped) = watch::channel(Stop::Not);
        let settings = Settings {
            folder: folder.path().to_owned(),
            limits: Limits {
                memory_bytes: 1 << 20,
                spool_bytes: 1 << 20,
            },
            patience,
            clock: Arc::new(HastyClock::default()),
            stop: stopped,
            observer: Arc::new(Nobody),
        };
        World {
            folder,
            settings,
            stop,
        }
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }
}

fn opened(name: &str, output: Box<dyn DynOutput>, until: Option<Micros>) -> OpenedOutput {
    OpenedOutput {
        name: name.to_owned(),
        output,
        gather: Gather::default(),
        checkpoint: OutputCheckpoint {
            delivered_until: until,
            ..OutputCheckpoint::default()
        },
    }
}

fn of(has: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    has.lock().unwrap().clone()
}

#[tokio::test]
async fn an_output_that_is_away_holds_back_the_commit_and_not_the_others() {
    let world = World::with(Patience::Endless);
    let is_away = Arc::new(AtomicBool::new(true));
    let away = Arc::clone(&is_away);
    let (slow, slow_has) = Scripted::answering(move |_, _| match away.load(Ordering::SeqCst) {
        true => Outcome::Again("connection refused".into()),
        false => Outcome::Safe,
    });
    let (quick, quick_has) = Scripted::answering(|_, _| Outcome::Safe);
    let outputs = vec![opened("slow", slow, None), opened("quick", quick, None)];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    for minute in 1..=3 {
        delivery
            .deliver(&findings(minute, &["a"]), MaybeHad::Yes)
            .await
            .unwrap();
    }
    loop {
        let delivered = delivery.delivered().await.unwrap();
        assert_eq!(delivered.number, 0, "not before all have it");
        let quick = &delivered.outputs["quick"];
        if quick.delivered_until == Some(180_000_000) {
            assert_eq!(quick.receipt.as_deref(), Some("3"));
            assert_eq!(delivered.outputs["slow"].delivered_until, None);
            break;
        }
        tokio::task::yield_now().await;
    }
    is_away.store(false, Ordering::SeqCst);
    delivery.finish().await.unwrap();
    assert_eq!(delivery.delivered().await.unwrap().number, 3);
    assert_eq!(of(&slow_has), ["1:a", "2:a", "3:a"]);
    assert_eq!(of(&quick_has), ["1:a", "2:a", "3:a"]);
}

#[tokio::test]
async fn an_output_that_takes_little_by_little_is_not_given_up() {
    let world = World::with(Patience::Tries(3));
    // One of what is left, every second time.
    let (output, has) = Scripted::answering(|n_calls, batches| {
        let left = batches.iter().map(|batch| batch.findings.len()).sum();
        let mut fates = vec![Fate::Again("too fast".into()); left];
        if n_calls % 2 == 1 {
            fates[0] = Fate::Safe;
        }
        Outcome::Each(fates)
    });
    let outputs = vec![opened("es", output, None)];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    let minute = findings(1, &["a", "b", "c", "d"]);
    delivery.deliver(&minute, MaybeHad::Yes).await.unwrap();
    delivery.finish().await.unwrap();
    assert_eq!(of(&has), ["1:a", "1:b", "1:c", "1:d"]);
}

#[tokio::test]
async fn an_output_tells_how_it_stands_with_every_try_and_every_delivery() {
    let told = Arc::new(Told::default());
    let mut world = World::with(Patience::Endless);
    world.settings.observer = Arc::<Told>::clone(&told);
    let (output, _) = Scripted::answering(|n_calls, _| match n_calls {
        1 | 2 => Outcome::Again("connection refused".into()),
        _ => Outcome::Each(vec![Fate::Safe, Fate::Refused("no number".into())]),
    });
    let outputs = vec![opened("es", output, None)];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    delivery
        .deliver(&findings(1, &["a", "b"]), MaybeHad::Yes)
        .await
        .unwrap();
    delivery.finish().await.unwrap();
    let told = told.0.lock().unwrap();
    let [open, first, second, done] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(*open, OutputStatus::default());
    for (n_retries, again) in [(1, first), (2, second)] {
        assert_eq!((again.n_retries, again.n_delivered), (n_retries, 0));
        assert_eq!(again.trouble.as_deref(), Some("connection refused"));
    }
    assert_eq!(
        (done.n_retries, done.n_delivered, done.n_refused),
        (2, 1, 1)
    );
    assert_eq!((&done.trouble, done.n_waiting_windows), (&None, 0));
    // The two pauses: of up to 100 ms and of up to 200 ms, at least half of it.
    assert!((150_000..=300_000).contains(&done.latency.sum), "{done:?}");
    assert_eq!(done.latency.n(), 1);
    assert!(done.quarantine_bytes > 0);
}

#[tokio::test]
async fn what_is_refused_is_kept_and_what_is_to_come_again_does() {
    let world = World::with(Patience::Tries(3));
    let (output, has) = Scripted::answering(|n_calls, batches| match n_calls {
        1 => Outcome::Each(vec![
            Fate::Safe,
            Fate::Refused("field [n] is no number".into()),
            Fate::Again("too many requests".into()),
        ]),
        _ => {
            assert_eq!(batches[0].findings.keys().value(0), "c");
            Outcome::Safe
        }
    });
    let outputs = vec![opened("es", output, None)];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    let batch = findings(1, &["a", "b", "c"]);
    delivery.deliver(&batch, MaybeHad::Yes).await.unwrap();
    delivery.finish().await.unwrap();
    assert_eq!(of(&has), ["1:a", "1:c"]);
    assert_eq!(delivery.n_refused(), 1);
    assert_eq!(delivery.delivered().await.unwrap().number, 1);
    let quarantine = QuarantineFolder::of(world.state());
    let contents = quarantine.contents().unwrap();
    assert_eq!(contents[0].kind, "es");
    assert_eq!(contents[0].reasons, [("field [n] is no number".into(), 1)]);
    let kept = quarantine.entries("es").unwrap().next().unwrap().unwrap();
    let Origin::Finding { batch: kept, .. } = kept.origin else {
        panic!("a finding")
    };
    assert_eq!(kept.findings.keys().value(0), "b");
    assert_eq!(kept.ids[0], batch.ids[1]);
    assert_eq!((kept.window, kept.time), (batch.window, batch.time));
}

#[tokio::test]
async fn a_run_that_somebody_waits_for_gives_up_and_says_why() {
    let world = World::with(Patience::Tries(4));
    let (output, has) = Scripted::answering(|_, _| Outcome::Again("no route to host".into()));
    let (other, other_has) = Scripted::answering(|_, _| Outcome::Safe);
    let outputs = vec![opened("es", output, None), opened("csv", other, None)];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    // That it has failed may show with the window or at the end.
    let given = delivery
        .deliver(&findings(1, &["a", "b"]), MaybeHad::Yes)
        .await;
    let error = given.and(delivery.finish().await).unwrap_err().to_string();
    assert!(
        error.contains("`es` did not take 2 findings: no route to host"),
        "{error}"
    );
    assert!(of(&has).is_empty());
    assert_eq!(of(&other_has), ["1:a", "1:b"], "the others get theirs");
}

#[tokio::test]
async fn a_stop_ends_what_would_be_tried_for_ever() {
    let world = World::with(Patience::Endless);
    let (output, _) = Scripted::answering(|_, _| Outcome::Again("no route to host".into()));
    let mut delivery = Delivery::start(vec![opened("es", output, None)], &world.settings)
        .await
        .unwrap();
    delivery
        .deliver(&findings(1, &["a"]), MaybeHad::Yes)
        .await
        .unwrap();
    world.stop.send(Stop::CloseWindows).unwrap();
    let error = delivery.finish().await.unwrap_err().to_string();
    assert!(error.contains("when it is started again"), "{error}");
    assert_eq!(delivery.delivered().await.unwrap().number, 0);
}

#[tokio::test]
async fn windows_that_an_output_has_of_an_earlier_run_are_not_given_again() {
    let world = World::with(Patience::Tries(1));
    let (ahead, ahead_has) = Scripted::answering(|_, _| Outcome::Safe);
    let (behind, behind_has) = Scripted::answering(|_, _| Outcome::Safe);
    let outputs = vec![
        opened("ahead", ahead, Some(120_000_000)),
        opened("behind", behind, None),
    ];
    let mut delivery = Delivery::start(outputs, &world.settings).await.unwrap();
    for minute in 1..=3 {
        delivery
            .deliver(&findings(minute, &["a"]), MaybeHad::Yes)
            .await
            .unwrap();
    }
    // What another instance had not delivered when it gave a partition to this one.
    let late = findings(1, &["b"]);
    delivery.deliver(&late, MaybeHad::No).await.unwrap();
    delivery.finish().await.unwrap();
    assert_eq!(of(&ahead_has), ["3:a", "1:b"]);
    assert_eq!(of(&behind_has), ["1:a", "2:a", "3:a", "1:b"]);
    assert_eq!(delivery.delivered().await.unwrap().number, 4);
}

#[tokio::test]
async fn a_stop_by_the_output_ends_the_run_with_its_reason() {
    let world = World::with(Patience::Endless);
    let (output, _) = Scripted::answering(|_, _| {
        Outcome::Stop(datashark_sdk::Error::data("no space left on device"))
    });
    let mut delivery = Delivery::start(vec![opened("csv", output, None)], &world.settings)
        .await
        .unwrap();
    let given = delivery.deliver(&findings(1, &["a"]), MaybeHad::Yes).await;
    let error = given.and(delivery.finish().await).unwrap_err().to_string();
    assert!(error.contains("no space left"), "{error}");
}
