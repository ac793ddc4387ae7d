//! Findings as syslog messages in a buffer that is used again and again; pure.

use std::io::Write;
use std::ops::Range;

use datashark_sdk::Result;
use datashark_sdk::document::{DocumentNames, Documents};
use datashark_sdk::output::FindingsBatch;

use crate::SyslogConf;
use crate::conf::{Body, Format, Framing};
use crate::escape::{json_text, push_json};
use crate::header::Header;
use crate::structured::{ELEMENT, Parameters};

/// About how many bytes are encoded before they are sent: large enough for few system calls, small
/// enough for the processor's second cache.
const CHUNK_BYTES: usize = 256 * 1024;

/// Messages of some findings, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The bytes, with the frames.
    pub(crate) bytes: Vec<u8>,
    /// For each finding where its message is, without the frame.
    pub(crate) messages: Vec<Encoded>,
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encoded {
    /// Its message is here.
    At(Range<usize>),
    /// Its message has so many bytes, which are too many.
    TooLong(usize),
}

/// Makes messages of findings.
#[derive(Debug)]
pub(crate) struct Encoder {
    names: DocumentNames,
    header: Header,
    format: Format,
    body: Body,
    max_size: usize,
    message: Vec<u8>,
    json: Vec<u8>,
}

impl Encoder {
    /// The encoder of a conf that has no problems, on this machine.
    pub(crate) fn new(conf: &SyslogConf, machine: &str) -> Self {
        Encoder {
            names: conf.names(),
            header: Header::of(conf, machine),
            format: conf.format,
            body: conf.body,
            max_size: conf.max_size(),
            message: Vec::new(),
            json: Vec::new(),
        }
    }

    /// The longest message.
    pub(crate) fn max_size(&self) -> usize {
        self.max_size
    }

    /// Replaces what is in the chunk by the messages of findings from this row on, as many as fit,
    /// and gives the first row that is not in it.
    ///
    /// # Errors
    /// A metadata column of a type that JSON cannot show.
    pub(crate) fn fill(
        &mut self,
        batch: &FindingsBatch,
        first: usize,
        framing: Option<Framing>,
        chunk: &mut Chunk,
    ) -> Result<usize> {
        chunk.bytes.clear();
        chunk.messages.clear();
        let header = self.header.at(batch.time);
        let mut rows = Rows::try_new(self.body, batch, &self.names)?;
        let mut row = first;
        while row < batch.findings.len() && chunk.bytes.len() < CHUNK_BYTES {
            self.message.clear();
            self.message.extend_from_slice(header.as_bytes());
            if self.format == Format::Rfc5424 {
                let id = batch.ids.get(row).map_or("", String::as_str);
                for part in ["[", ELEMENT, " id=\"", id, "\""] {
                    self.message.extend_from_slice(part.as_bytes());
                }
                rows.push_parameters(row, &mut self.message);
                self.message.extend_from_slice(b"] ");
            }
            rows.push_text(row, &mut self.json, &mut self.message);
            chunk.push(&self.message, self.max_size, framing);
            row += 1;
        }
        Ok(row)
    }
}

impl Chunk {
    fn push(&mut self, message: &[u8], max_size: usize, framing: Option<Framing>) {
        if message.len() > max_size {
            self.messages.push(Encoded::TooLong(message.len()));
            return;
        }
        if framing == Some(Framing::Octet) {
            // Writing to memory does not fail.
            let _ = write!(self.bytes, "{} ", message.len());
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.messages.push(Encoded::At(start..self.bytes.len()));
        if framing == Some(Framing::Newline) {
            self.bytes.push(b'\n');
        }
    }
}

/// The findings of a batch, as the conf wants them.
enum Rows<'a> {
    Json(Documents<'a>),
    Structured {
        parameters: Parameters<'a>,
        title: Vec<u8>,
    },
}

impl<'a> Rows<'a> {
    fn try_new(body: Body, batch: &'a FindingsBatch, names: &DocumentNames) -> Result<Self> {
        Ok(match body {
            Body::Json => Rows::Json(Documents::try_new(batch, names)?),
            Body::Structured => Rows::Structured {
                parameters: Parameters::try_new(batch, names)?,
                title: shown(&names.title),
            },
        })
    }

    fn push_parameters(&mut self, row: usize, message: &mut Vec<u8>) {
        match self {
            Rows::Json(_) => {}
            Rows::Structured { parameters, .. } => parameters.encode(row, message),
        }
    }

    fn push_text(&mut self, row: usize, json: &mut Vec<u8>, message: &mut Vec<u8>) {
        match self {
            Rows::Json(documents) => {
                json.clear();
                documents.encode(row, json);
                push_json(json, message);
            }
            Rows::Structured { title, .. } => message.extend_from_slice(title),
        }
    }
}

/// A text without control characters.
fn shown(text: &str) -> Vec<u8> {
    let json = json_text(text);
    match text.chars().any(char::is_control) {
        true => json,
        false => text.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests;
