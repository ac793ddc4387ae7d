//! The word of a record: a short text that says what kind of event it is.
//!
//! A word leaves out who it was and when to the minute, so that many records share it; what an address
//! usually does is then how often it has which word. A flow has two words, one for each of its
//! addresses, a DNS answer and a proxy request have one.
//!
//! Everything here is pure and writes into room that the caller keeps.

pub mod dns;
pub(crate) mod fields;
pub mod flow;
pub mod proxy;

pub use dns::{Dns, DnsParts, DnsWords};
pub use flow::{Flow, FlowWord, Server};
pub use proxy::{Proxy, ProxyParts, ProxyWords};

/// What Spot 1.1 calls a record that no word can be made of.
pub const WORD_ERROR: &str = "word_error";

/// Why no word can be made of a record.
pub type NoWord = &'static str;
