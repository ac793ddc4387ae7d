//! The input `netflow`: flows that routers and probes export over UDP, in NetFlow 5 and 9 and IPFIX.
//!
//! | key of `[in_netflow]` | meaning | default |
//! |---|---|---|
//! | `listen` | the address and port to receive at; several are a list | `0.0.0.0:2055` |
//! | `receive_buffer` | what the kernel may hold of each socket while dataShark is busy | `8MB` |
//!
//! ```text
//! name = Suspicious Flows
//! type = streaming
//! input = netflow
//! [in_netflow]
//!     listen = 0.0.0.0:2055, [::]:4739
//! ```
//! The columns are those of the codec crate's module `flow`: Apache Spot's names, and the names that other
//! formats share. `timestamp` is when the kernel received the datagram; exporters' own clocks, which may be
//! wrong, are `event_start` and `event_end`. Templates and numbering are kept for each exporter by itself:
//! its address, version, and the number of what it observes. Packets and bytes are as exported;
//! `sampling_interval` is what the exporter says of its sampling.
//!
//! A partition is a socket, and an offset counts the flows that it gave.
//!
//! # Guarantee
//! At most once. A datagram cannot be received again: what was received and is in no window that was
//! delivered is lost when dataShark is killed. A stop closes the open windows with what they have, that of
//! the daemon as well, and what has come by then and was not taken from the socket is lost. Offsets
//! of each run begin above those of all runs before it, so that a restart takes nothing for read before. To
//! lose nothing, let `nfcapd` collect, and read its files with the input `file`.
//!
//! What is lost is counted exactly, and is in quarantine with its reason, an entry for each time:
//!
//! - datagrams that the kernel dropped because the socket's buffer was full (`SO_RXQ_OVFL`);
//! - datagrams (NetFlow 9) or flows (NetFlow 5, IPFIX) that an exporter sent and nobody received, by its
//!   sequence numbers;
//! - sets of flows whose template was not received yet, and datagrams that are none.
//!
//! # Limits
//! - After a start flows of NetFlow 9 and IPFIX wait for their templates, which exporters send anew every some
//!   minutes; until then they are lost, as above.
//! - The kernel gives less than `receive_buffer` where its limit, `net.core.rmem_max`, is lower; that is
//!   logged.
//! - Nothing is there to be read once (`--once`), or as the past (`replay`).
//! - No encryption and no authentication: whoever can send to the port can forge flows.
//! - Linux only: the kernel's counts.

mod conf;
mod receive;

use async_trait::async_trait;
use crossbeam_channel::Sender;
use datashark_codec::flow;
use datashark_codec::netflow::Collector;
use datashark_sdk::arrow::datatypes::Schema;
use datashark_sdk::conf::Problems;
use datashark_sdk::input::{Input, InputEvent, Open, PartitionId, Source};
use datashark_sdk::{Error, Result, Stores};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;

pub use conf::NetflowConf;
use receive::Receiver;

/// Batches that wait for the engine, for each socket; behind them the kernel's buffer fills.
const QUEUED: usize = 8;

/// How far apart the offsets of two runs begin: no run has so many flows.
const RUN: u64 = 1 << 40;

/// Receives NetFlow.
#[derive(Debug)]
pub struct Netflow {
    first: VecDeque<InputEvent>,
    events: mpsc::Receiver<InputEvent>,
    /// Its end is what tells the threads to stop.
    _alive: Sender<Infallible>,
}

#[async_trait]
impl Input for Netflow {
    type Conf = NetflowConf;

    const NAME: &'static str = "netflow";

    const ABOUT: &'static str = "flows over UDP: NetFlow 5 and 9, IPFIX";

    const READS_AGAIN: bool = false;

    fn check(conf: &NetflowConf, _: &Stores) -> Problems {
        conf.problems()
    }

    fn source(_: &NetflowConf, _: &Stores) -> Result<Source> {
        Ok(Source::Columns(Arc::new(Schema::new(flow::columns()))))
    }

    async fn open(conf: NetflowConf, open: Open) -> Result<Self> {
        let problems = conf.problems();
        if problems.has_errors() {
            return Err(problems.into());
        }
        if open.once || open.past.is_some() {
            return Err(Error::data(
                "`input = netflow` has nothing that is there already: it receives what comes from now on",
            ));
        }
        let (sender, events) = mpsc::channel(QUEUED * conf.listen.len());
        let (keep_alive, alive) = crossbeam_channel::bounded(0);
        let mut first = VecDeque::new();
        let mut receivers = Vec::new();
        for listen in &conf.listen {
            let partition = PartitionId::new(format!("udp:{listen}"));
            let collector = Collector::try_new(open.columns.as_deref());
            let collector = collector.map_err(|error| Error::data(error.to_string()))?;
            let receiver = Receiver::bind(listen, &conf, partition.clone(), collector)?;
            let resume = open.resume.get(&partition);
            receivers.push(receiver.from(resume.map_or(0, |resume| next_run(resume.offset))));
            let name = format!(
                "udp {}",
                receivers.last().map_or_else(String::new, Receiver::address)
            );
            first.push_back(InputEvent::Assigned {
                partition,
                name,
                resume: None,
            });
        }
        // A port that the conf no longer has.
        let known = |id: &PartitionId| receivers.iter().any(|receiver| receiver.is_of(id));
        let gone = open.resume.keys().filter(|id| !known(id));
        first.extend(gone.map(|partition| InputEvent::Ended {
            partition: partition.clone(),
            forget: true,
        }));
        for receiver in receivers {
            let (sender, alive) = (sender.clone(), alive.clone());
            std::thread::Builder::new()
                .name("receive-netflow".to_owned())
                .spawn(move || receiver.run(&sender, &alive))
                .map_err(|error| Error::io("no thread to receive with", error))?;
        }
        Ok(Netflow {
            first,
            events,
            _alive: keep_alive,
        })
    }

    async fn next(&mut self) -> Result<Option<InputEvent>> {
        if let Some(event) = self.first.pop_front() {
            return Ok(Some(event));
        }
        Ok(self.events.recv().await)
    }
}

/// Where the offsets of a run begin, if an earlier one had got to this one.
fn next_run(offset: u64) -> u64 {
    (offset / RUN).saturating_add(1).saturating_mul(RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_a_run_begin_above_those_of_all_runs_before() {
        assert_eq!(next_run(0), RUN);
        assert_eq!(next_run(RUN + 5), 2 * RUN);
        assert_eq!(next_run(next_run(RUN)), 3 * RUN);
    }
}
