//! A use case's lanes, each in a thread of its own.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::lane::Lane;
use super::orders::{Report, ToLane};
use super::pipeline::Pipeline;
use super::settings::Settings;
use crate::error::{Error, Result};

/// The way to each lane.
pub(super) type Lanes = Vec<mpsc::UnboundedSender<ToLane>>;
/// What all of them report.
pub(super) type Reports = mpsc::UnboundedReceiver<Result<Report>>;

/// Starts the lanes.
pub(super) fn start(pipeline: &Arc<Pipeline>, settings: &Settings) -> Result<(Lanes, Reports)> {
    let (report, reports) = mpsc::unbounded_channel();
    let mut lanes = Vec::new();
    let n_lanes = settings.n_lanes.max(1);
    for i in 0..n_lanes {
        let (order, orders) = mpsc::unbounded_channel();
        let lane = Lane::try_new(Arc::clone(pipeline), settings.observer.taps(), n_lanes)?;
        let report = report.clone();
        let thread = std::thread::Builder::new().name(format!("lane-{i}"));
        thread
            .spawn(move || lane.run(orders, report))
            .map_err(Error::io("starting a thread"))?;
        lanes.push(order);
    }
    Ok((lanes, reports))
}
