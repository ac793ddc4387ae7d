//! Tests of `conf/*/dashboards/*.ndjson`, which are in `tests/saved_objects.rs`; nothing is here.
