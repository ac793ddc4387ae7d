//! All that is built in: the one list of names.

use datashark_engine::Registry;
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;

/// The built-in use cases, inputs and outputs.
pub(crate) fn registry() -> Registry {
    Registry {
        use_cases: vec![
            datashark_wordcount::USE_CASE,
            datashark_web_anomaly_detection::USE_CASE,
        ],
        inputs: vec![
            InputEntry::of::<datashark_input_file::Batch>(),
            InputEntry::of::<datashark_input_file::Folder>(),
            InputEntry::of::<datashark_input_kafka::Kafka>(),
            InputEntry::of::<datashark_input_netflow::Netflow>(),
        ],
        outputs: vec![
            OutputEntry::of::<datashark_output_csv::Csv>(),
            OutputEntry::of::<datashark_output_elasticsearch::Elasticsearch>(),
            OutputEntry::of::<datashark_output_kafka::Kafka>(),
            OutputEntry::of::<datashark_output_syslog::Syslog>(),
        ],
    }
}
