//! dataShark's conf files: the ConfigObj syntax, typed confs, diagnostics.
//!
//! ```text
//! bytes ──► scan ──► ini ──────────► Section ──► Conf, Global
//!            │        configparser      │            │
//!            │ places, broken lines     │ problems   │ problems
//!            └────────────► Source ◄────┴────────────┘ ◄── problems of plugins and use cases
//!                             │
//!                        Diagnostics ──► render
//! ```
//!
//! # Syntax
//! `key = value`, a line each; the first `=` behind the key splits. `[section]`, and inside it
//! `[[subsection]]`; indentation means nothing. Keys keep their case and may be quoted. `#` starts
//! a comment on a line of its own or behind a quoted value, and nowhere else: an unquoted value is
//! the rest of its line, whatever is in it. A value may be in `'` or `"`, or over several lines in
//! `'''` or `"""`; nothing in it is an escape. A key or section that is written twice is a mistake.
//!
//! # The layers
//! `scan` finds lines and their places. The values themselves go through the `configparser` crate,
//! handed a text that it cannot misread (`ini` says how), which gives a
//! [`Section`](datashark_sdk::conf::Section). [`Conf`] and [`Global`] read one into types. No layer
//! stops at its first mistake; [`Source`] gives the problems of all layers their lines, also those
//! of the layers outside this crate.
//!
//! # Limits
//! A conf has at most 1 MiB, 10,000 keys and sections, nested 16 deep; 100 broken lines, and 100
//! problems per section, are reported. What reads a conf is linear in its bytes but for looking up
//! keys, and touches no file but the conf itself.
//!
//! # Examples
//! ```
//! use std::path::Path;
//! use datashark_conf::{Style, check_bytes};
//!
//! let text = b"name = Word Count\ntype = bach\nenabled = true\ncode = wordcount\noutput = csv\n";
//! let checked = check_bytes(text, Path::new("conf/wordcount.conf"));
//! let error = checked.diagnostics.errors().next().map(ToString::to_string);
//! assert_eq!(
//!     error.as_deref(),
//!     Some("conf/wordcount.conf:2: unknown type `bach`, did you mean `batch`? \
//!           (expected one of `batch`, `streaming`)")
//! );
//! println!("{}", checked.diagnostics.render(Style::Plain, 80));
//! ```

mod diagnostic;
mod global;
mod ini;
mod load;
mod scan;
mod source;
mod stream;
mod usecase;
mod value;

pub use diagnostic::{Diagnostic, Diagnostics, Style};
pub use global::{Engine, Global, Hdfs, LogFormat, LogLevel, address};
pub use load::{Checked, Loaded, check, check_bytes, check_global_bytes, load, load_global, parse};
pub use source::Source;
pub use stream::GlobalStream;
pub use usecase::{Code, Codec, ColumnType, Conf, Kind, LogFilter, Pattern, Plugin, Schedule};
