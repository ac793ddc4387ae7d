//! What `ingest`, `sql` and `store` are told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::{Engine, key_value};

#[derive(Debug, clap::Args)]
pub(crate) struct Ingest {
    /// What the records are of: flow, dns, proxy
    #[arg(value_name = "TYPE", value_parser = PossibleValuesParser::new(["flow", "dns", "proxy"]))]
    pub(crate) kind: String,
    /// The files, or folders of them: captures, files of nfcapd, logs of proxies and web servers, of Zeek
    /// and Suricata; gz, zst, bz2 and xz are unpacked
    #[arg(required = true, value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) store: InStore,
    /// The format of the files [default: what each shows]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,
    /// An option of the format, as `[codec]` has it
    #[arg(short, long = "option", value_name = "KEY=VALUE", value_parser = key_value, requires = "format")]
    pub(crate) options: Vec<(String, String)>,
    /// How long what was read may wait for its commit: what a crash makes read again
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = datashark_sdk::conf::duration::parse)]
    pub(crate) commit_every: Duration,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// The query: `SELECT dns_qry_name, count(*) FROM dns GROUP BY 1 ORDER BY 2 DESC LIMIT 10`
    pub(crate) query: String,
    #[command(flatten)]
    pub(crate) store: InStore,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = SqlFormat::Table)]
    pub(crate) format: SqlFormat,
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// How `sql` prints rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SqlFormat {
    /// A table, of the first 10,000 rows
    Table,
    /// CSV with a header
    Csv,
    /// A JSON object a line
    Json,
}

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(crate) struct InStore {
    /// The folder of the store [default: `store` in the state folder]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// What each table takes
    Show(StoreTables),
    /// Make the small files of each hour into large ones
    Compact {
        /// How large, about
        #[arg(long, value_name = "SIZE", default_value = "256MB", value_parser = datashark_sdk::conf::size::parse)]
        file_size: u64,
        #[command(flatten)]
        tables: StoreTables,
    },
    /// Forget the days that are older; what was stored is not stored again
    Forget {
        /// How old, in whole days: 90d
        #[arg(long, value_name = "TIME", value_parser = datashark_sdk::conf::duration::parse)]
        older_than: Duration,
        #[command(flatten)]
        tables: StoreTables,
    },
    /// Remove files that were compacted or forgotten, and what crashes have left
    Vacuum {
        /// How long ago; queries that have run for longer fail
        #[arg(long, value_name = "TIME", default_value = "7d", value_parser = datashark_sdk::conf::duration::parse)]
        older_than: Duration,
        #[command(flatten)]
        tables: StoreTables,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreTables {
    /// The tables [default: all]
    pub(crate) tables: Vec<String>,
    #[command(flatten)]
    pub(crate) store: InStore,
    #[command(flatten)]
    pub(crate) engine: Engine,
}
