//! Object stores and HDFS, for the inputs and outputs that read and write files.
//!
//! | url | what it is | settings from the environment |
//! |---|---|---|
//! | `s3://bucket/key`, `s3a://` | Amazon S3 and what speaks its protocol | `AWS_…` |
//! | `gs://bucket/key` | Google Cloud Storage | `GOOGLE_…` |
//! | `az://container/key`, `abfs[s]://` | Azure Blob Storage | `AZURE_…` |
//! | `http[s]://host/path` | a web server; only read, a file at a time | |
//! | `hdfs://namenode:8020/path` | Hadoop's file system | `HADOOP_CONF_DIR`, `HADOOP_USER_NAME` |
//!
//! All but the environment is said in datashark.conf, by the names that object_store and Hadoop
//! have for it; `${env:NAME}` is a variable of the environment. What stands in a section for urls
//! that begin so goes before what holds for all:
//!
//! ```ini
//! [engine]
//!     [[object_store]]
//!         aws_region = eu-central-1
//!         [[[s3://logs-of-the-branch]]]
//!             aws_endpoint          = http://minio.example.org:9000
//!             allow_http            = true
//!             aws_access_key_id     = reader
//!             aws_secret_access_key = ${env:MINIO_SECRET}
//!         [[[hdfs://cluster]]]
//!             dfs.ha.namenodes.cluster             = nn1, nn2
//!             dfs.namenode.rpc-address.cluster.nn1 = nn1.example.org:8020
//!             dfs.namenode.rpc-address.cluster.nn2 = nn2.example.org:8020
//! ```
//!
//! [`check`] checks such a section, [`find`] finds what a url names, an [`Object`] is read by ranges
//! or as a stream, and a [`Target`] is written to. Who calls may block: the stores are talked to by
//! threads of this crate's own.
//!
//! # Limits
//! - Google's cloud is tested for reading alone: there is no server to be had that takes objects by its
//!   XML interface.
//! - A web server's files are named one by one, without `?`: there is no list of them.
//! - Which object it is rests on what the store says of it: its version or ETag, else its time and
//!   size.
//! - Kerberos for HDFS takes the ticket that `kinit` got, by the system's `libgssapi_krb5`.

mod error;
mod find;
mod location;
mod object;
mod options;
mod read;
mod runtime;
mod scheme;
mod store;
mod target;

pub use error::{Reason, StoreError};
pub use find::{check_url, find};
pub use object::Object;
pub use options::check;
pub use read::ObjectReader;
pub use runtime::{Begun, begin, wait};
pub use scheme::is_url;
pub use target::Target;
