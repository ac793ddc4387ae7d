//! When a second signal is meant.
//!
//! The first Ctrl-C or SIGTERM asks for an orderly end, a second one for the end at once. Some send one
//! signal twice within a moment: `timeout` sends it to the process and to its group, and a shell's group
//! gets the Ctrl-C of a terminal beside whoever passes it on. Such an echo asks for nothing more.

use std::pin::pin;
use std::time::Duration;

/// How long after the first signal another one is its echo.
const ECHO: Duration = Duration::from_millis(500);

/// Waits for a signal that is meant as a second one; the first was just received.
pub(crate) async fn second(signal: impl AsyncFnMut()) {
    second_after(tokio::time::sleep(ECHO), signal).await;
}

async fn second_after(echo: impl Future<Output = ()>, mut signal: impl AsyncFnMut()) {
    let mut echo = pin!(echo);
    loop {
        tokio::select! {
            biased;
            () = signal() => {}
            () = &mut echo => break,
        }
    }
    signal().await;
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn an_echo_is_no_second_signal_and_one_behind_it_is() {
        let (signal, mut signals) = mpsc::unbounded_channel();
        let (over, echo) = oneshot::channel();
        let asked = async move || signals.recv().await.unwrap();
        let waiting = tokio::spawn(second_after(async { echo.await.unwrap() }, asked));
        let n_steps = 100;
        for _ in 0..n_steps {
            signal.send(()).unwrap();
            tokio::task::yield_now().await;
        }
        over.send(()).unwrap();
        for _ in 0..n_steps {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        signal.send(()).unwrap();
        waiting.await.unwrap();
    }
}
