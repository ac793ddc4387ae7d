//! A plugin in a process of its own: dataShark's own binary, told to be one.
//!
//! Parent and child speak in frames over two pipes ([`frame`]): a [`message::Request`], then its
//! answer, one at a time. Batches are Arrow's stream format. What the child answers is no more trusted
//! than a record: every length has a limit, and every batch is validated.
//!
//! The child limits itself before it loads the library ([`sandbox`]); from then on it cannot take any of
//! it back.

mod child;
mod connection;
mod frame;
mod message;
mod sandbox;

pub use child::run as run_child;
pub(crate) use connection::{Connection, Failure, Start};
pub use frame::read_answer;
pub(crate) use frame::{Part, part_of, part_of_schema, rows_of, schema_of};
pub(crate) use message::{AGGREGATE, Forgotten, Head, Request};
