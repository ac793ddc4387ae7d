//! None lost across a server's restart, none cut, none sent more often than said.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datashark_test_outputs::{Delivered, deliver, deliver_and_tell};
use tokio::sync::oneshot;

use crate::findings::{batch, open};
use crate::received::Received;
use crate::server::{BOTH, Kind, Server, wait};
use crate::tls::Certificates;

const N_FINDINGS: usize = 100_000;
/// How many are delivered in one go, by one connection.
const N_OF_A_BATCH: usize = 5_000;
/// How often to look whether all have come, a second apart.
const N_LOOKS: u32 = 120;

fn keys(n_keys: usize) -> Vec<String> {
    (0..n_keys)
        .map(|n| format!("192.0.2.{}/{n}", n % 256))
        .collect()
}

/// Delivers findings while the server is stopped and started again; nothing where it cannot be had.
async fn across_a_restart(
    kind: Kind,
    port: &str,
    transport: &[(&str, &str)],
    certificates: &Certificates,
) {
    let Some(server) = Server::start_with(kind, &certificates.variables()) else {
        return;
    };
    let place = [("format", "rfc5424"), ("port", server.value(port))];
    let mut output = open(&[&place, transport].concat()).await;
    let mut batches: Vec<_> = keys(N_FINDINGS).chunks(N_OF_A_BATCH).map(batch).collect();
    let ids: Vec<String> = batches.iter().flat_map(|b| b.ids.to_vec()).collect();
    let (last, n_before) = (batches.pop().unwrap(), batches.len() / 3);

    // It stops at any point of what is on its way then, and stays away until that was noticed.
    let n_again = Arc::new(AtomicUsize::new(0));
    let noticed = Arc::clone(&n_again);
    let (stop, stopping) = oneshot::channel();
    let (stopped, has_stopped) = oneshot::channel();
    let restarted = tokio::spawn(async move {
        stopping.await.unwrap();
        let server = blocking(server, Server::stop_running).await;
        stopped.send(()).unwrap();
        let was_noticed = || noticed.load(Ordering::Relaxed) > 0;
        wait(was_noticed, || "nobody noticed the stop".into()).await;
        blocking(server, Server::start_again).await
    });
    let mut delivered = Delivered::default();
    let tell = || {
        n_again.fetch_add(1, Ordering::Relaxed);
    };
    let mut stop = Some(stop);
    for (n, batch) in batches.into_iter().enumerate() {
        if n == n_before {
            stop.take().unwrap().send(()).unwrap();
        }
        delivered.add(deliver_and_tell(output.as_mut(), batch, tell).await);
    }
    // Where all of these were faster than the server's end, this one meets it.
    has_stopped.await.unwrap();
    delivered.add(deliver_and_tell(output.as_mut(), last, tell).await);
    assert!(delivered.refused.is_empty(), "{delivered:?}");
    assert!(!delivered.again.is_empty());
    let mut server = restarted.await.unwrap();
    // rsyslog writes now what it kept on disk over the restart.
    let mut times = BTreeMap::new();
    for _ in 0..N_LOOKS {
        times = times_by_id(&server.received(0).await);
        if times.len() == N_FINDINGS {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    server.stop();
    let missing = ids.iter().filter(|id| !times.contains_key(*id)).count();
    assert_eq!(missing, 0, "of {N_FINDINGS}; {delivered:?}");
    assert_eq!(times.len(), N_FINDINGS);
    let n_twice: usize = times.values().map(|n| n - 1).sum();
    eprintln!(
        "{kind:?} {port}: {n_twice} of {N_FINDINGS} came twice; {} writes were repeated",
        delivered.again.len()
    );
    // The stop broke one connection at most that had begun to be read.
    assert!(n_twice <= N_OF_A_BATCH, "{n_twice}");
}

/// Does something to the server that takes its time.
async fn blocking(mut server: Server, act: fn(&mut Server)) -> Server {
    let acted = tokio::task::spawn_blocking(move || {
        act(&mut server);
        server
    });
    acted.await.unwrap()
}

/// How often each id came; every message is whole.
fn times_by_id(received: &[Received]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for message in received {
        message.document();
        *times.entry(message.parameters["id"].clone()).or_insert(0) += 1;
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_loses_none_by_tcp_when_it_restarts() {
    let none = Certificates::new();
    across_a_restart(Kind::Rsyslog, "port", &[("transport", "tcp")], &none).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_ng_loses_none_by_tcp_when_it_restarts() {
    let none = Certificates::new();
    across_a_restart(Kind::SyslogNg, "port", &[("transport", "tcp")], &none).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_loses_none_by_tls_when_it_restarts() {
    let certificates = Certificates::new();
    let ca_file = certificates.path("ca.pem");
    let tls = [("transport", "tls"), ("ca_file", ca_file.as_str())];
    across_a_restart(Kind::Rsyslog, "tls_port", &tls, &certificates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_ng_loses_none_by_tls_when_it_restarts() {
    let certificates = Certificates::new();
    let ca_file = certificates.path("ca.pem");
    let tls = [("transport", "tls"), ("ca_file", ca_file.as_str())];
    across_a_restart(Kind::SyslogNg, "tls_port", &tls, &certificates).await;
}

#[tokio::test]
async fn every_window_is_sent_once() {
    for kind in BOTH {
        let Some(mut server) = Server::start(kind) else {
            return;
        };
        for transport in ["udp", "tcp"] {
            let place = [("transport", transport), ("port", server.value("port"))];
            let mut output = open(&place).await;
            for _ in 0..5 {
                let delivered = deliver(output.as_mut(), batch(&["192.0.2.1", "192.0.2.2"])).await;
                assert!(delivered.again.is_empty(), "{delivered:?}");
            }
            let said = format!(
                "Written 2 Documents to Syslog 127.0.0.1:{}",
                server.value("port")
            );
            assert_eq!(output.delivered(2), said);
        }
        server.received(20).await;
        assert_eq!(server.stop().len(), 20);
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    for kind in BOTH {
        let Some(mut server) = Server::start(kind) else {
            return;
        };
        server.stop();
        let port = server.value("port").to_owned();
        let mut output = open(&[("transport", "tcp"), ("port", &port)]).await;
        let waiting = tokio::spawn(async move { deliver(output.as_mut(), batch(&["a"])).await });
        server.start_again();
        let delivered = waiting.await.unwrap();
        for reason in &delivered.again {
            assert!(
                reason.contains(&format!("syslog server 127.0.0.1:{port}: ")),
                "{reason}"
            );
        }
        assert_eq!(server.stop().len(), 1);
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_the_others_arrive() {
    let long = "x".repeat(3000);
    let beyond_a_datagram = "x".repeat(70_000);
    for kind in BOTH {
        let Some(mut server) = Server::start(kind) else {
            return;
        };
        let port = server.value("port");
        let mut output = open(&[("port", port)]).await;
        let delivered = deliver(output.as_mut(), batch(&["before", &long, "after"])).await;
        let [reason] = &delivered.refused[..] else {
            panic!("{delivered:?}")
        };
        assert!(
            reason.ends_with(" bytes, more than `max_size = 2048`"),
            "{reason}"
        );
        let mut output = open(&[("port", port), ("max_size", "1MB")]).await;
        let delivered = deliver(output.as_mut(), batch(&[&beyond_a_datagram, "last"])).await;
        let [reason] = &delivered.refused[..] else {
            panic!("{delivered:?}")
        };
        assert!(
            reason.ends_with(" bytes, more than a datagram holds here"),
            "{reason}"
        );
        server.received(3).await;
        let received = server.stop();
        let keys: Vec<_> = received
            .iter()
            .map(|message| message.document()["source_ip"].clone())
            .collect();
        assert_eq!(keys, ["before", "after", "last"]);
    }
}

#[tokio::test]
async fn a_key_of_a_megabyte_arrives_whole_where_both_sides_allow_it_and_is_refused_elsewhere() {
    let long = "é\n".repeat(500_000);
    let variables = [("MAX_MESSAGE_SIZE", "4000000")];
    for kind in BOTH {
        let Some(mut server) = Server::start_with(kind, &variables) else {
            return;
        };
        let place = [("transport", "tcp"), ("port", server.value("port"))];
        let mut output = open(&place).await;
        let delivered = deliver(output.as_mut(), batch(&[&long])).await;
        assert!(
            delivered.refused[0].ends_with("more than `max_size = 8192`"),
            "{delivered:?}"
        );
        let mut output = open(&[&place[..], &[("max_size", "4MB")]].concat()).await;
        let delivered = deliver(output.as_mut(), batch(&[&long])).await;
        assert!(delivered.refused.is_empty(), "{delivered:?}");
        server.received(1).await;
        let received = server.stop();
        assert_eq!(received.len(), 1);
        assert!(received[0].document()["source_ip"] == long.as_str());
    }
}
