//! Files in object stores and HDFS, as a use case's `file` and a csv output's `path` name them.
//!
//! S3 is s3s-fs, a server over a folder, in this process; HDFS is `tests/services/hdfs.sh`, Azure
//! `azurite.sh` and Google's cloud `fake-gcs.sh` beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod any_store;
mod clouds;
mod engine;
mod findings;
mod hdfs;
mod http;
mod input;
mod s3;
mod s3_findings;
mod server;
