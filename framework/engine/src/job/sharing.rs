//! What is to be known of a use case whose input several instances may share.

use datashark_sdk::input::InputEntry;

use crate::run::pipeline::TimeSource;

/// What has to hold for the findings of several instances to be those of one.
pub(super) fn notes(input: &InputEntry, time: &TimeSource) -> Vec<String> {
    if !input.is_shared {
        return Vec::new();
    }
    let mut notes = vec![
        "several instances: all records of a key have to be in one partition (sent with that key)"
            .to_owned(),
    ];
    if matches!(time, TimeSource::Arrival) {
        notes.push(
            "several instances: the windows have to be by `timestamp_field`; by arrival, records of a \
             partition that moves arrive again"
                .to_owned(),
        );
    }
    notes
}
