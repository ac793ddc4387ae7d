//! All that is built in: the one list of names; and where the rest is found.

use std::path::PathBuf;
use std::sync::Arc;

use datashark_conf::Global;
use datashark_engine::Registry;
use datashark_plugins::Plugins;
use datashark_sdk::input::InputEntry;
use datashark_sdk::output::OutputEntry;

/// The name of the hidden subcommand that is a plugin's process.
pub(crate) const PLUGIN_PROCESS: &str = "plugin-process";

/// The built-in use cases, inputs and outputs, and those of third parties.
pub(crate) fn registry(global: &Global) -> Registry {
    Registry {
        third_party: Some(Arc::new(plugins(global))),
        ..built_in()
    }
}

/// The plugins of third parties.
pub(crate) fn plugins(global: &Global) -> Plugins {
    // This very binary, even if its file was replaced since it was started.
    let program = match cfg!(target_os = "linux") {
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe().unwrap_or_else(|_| PathBuf::from("datashark")),
    };
    let folders = global.engine.plugin_path.clone();
    Plugins::new(folders, program, vec![PLUGIN_PROCESS.into()])
}

/// The built-in use cases, inputs and outputs.
pub(crate) fn built_in() -> Registry {
    Registry {
        third_party: None,
        use_cases: vec![
            datashark_wordcount::USE_CASE,
            datashark_web_anomaly_detection::USE_CASE,
            datashark_spot_lda::USE_CASE,
        ],
        inputs: vec![
            InputEntry::of::<datashark_input_file::Batch>(),
            InputEntry::of::<datashark_input_file::Folder>(),
            InputEntry::of::<datashark_input_kafka::Kafka>(),
            InputEntry::of::<datashark_input_netflow::Netflow>(),
        ],
        outputs: vec![
            OutputEntry::of::<datashark_output_csv::Csv>(),
            OutputEntry::of::<datashark_output_delta::Delta>(),
            OutputEntry::of::<datashark_output_elasticsearch::Elasticsearch>(),
            OutputEntry::of::<datashark_output_kafka::Kafka>(),
            OutputEntry::of::<datashark_output_spot::Spot>(),
            OutputEntry::of::<datashark_output_syslog::Syslog>(),
        ],
    }
}
