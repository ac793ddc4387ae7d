//! What is known of each exporter: its templates, its sampling, and where its numbering is.

use std::collections::HashMap;
use std::net::IpAddr;

use super::template::Template;

/// The most exporters that are kept; the one that was seen first makes room.
const EXPORTERS_MAX: usize = 1_024;

/// The most fields of all templates of an exporter together.
const FIELDS_MAX: usize = 8_192;

/// The most samplers of an exporter.
const SAMPLERS_MAX: usize = 256;

/// A datagram that is this far behind is late; one that is further back is of an exporter that began anew.
const LATE_MAX: u32 = 1_000;

/// An exporter: its address, NetFlow's version, and the number of what it observes.
pub(super) type Key = (IpAddr, u16, u32);

/// All exporters.
#[derive(Debug, Default)]
pub(super) struct Exporters {
    known: HashMap<Key, Exporter>,
    n_seen: u64,
}

/// An exporter.
#[derive(Debug, Default)]
pub(super) struct Exporter {
    nth: u64,
    templates: HashMap<u16, Template>,
    /// How many fields these have together.
    n_fields: usize,
    /// One in so many packets, by sampler; 0 is the one that has no number.
    samplers: HashMap<u32, u32>,
    /// The sequence number that comes next.
    next: Option<u32>,
}

impl Exporters {
    /// The exporter of a key.
    pub(super) fn of(&mut self, key: Key) -> &mut Exporter {
        if !self.known.contains_key(&key) && self.known.len() >= EXPORTERS_MAX {
            let oldest = self.known.iter().min_by_key(|(_, exporter)| exporter.nth);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.known.remove(&oldest);
            }
        }
        self.n_seen += 1;
        let nth = self.n_seen;
        self.known.entry(key).or_insert_with(|| Exporter {
            nth,
            ..Exporter::default()
        })
    }
}

impl Exporter {
    /// The template of an id.
    pub(super) fn template(&self, id: u16) -> Option<&Template> {
        self.templates.get(&id)
    }

    /// Takes a template over.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn learn(&mut self, id: u16, template: Template) -> Result<(), String> {
        self.forget(Some(id));
        let n_fields = self.n_fields + template.n_fields();
        if n_fields > FIELDS_MAX {
            return Err(format!(
                "with template {id} its templates have more than {FIELDS_MAX} fields"
            ));
        }
        self.n_fields = n_fields;
        self.templates.insert(id, template);
        Ok(())
    }

    /// Forgets a template; `None` is all of them.
    pub(super) fn forget(&mut self, id: Option<u16>) {
        match id {
            Some(id) => {
                let gone = self.templates.remove(&id);
                self.n_fields -= gone.map_or(0, |template| template.n_fields());
            }
            None => {
                self.templates.clear();
                self.n_fields = 0;
            }
        }
    }

    /// Notes how a sampler samples.
    pub(super) fn sample(&mut self, sampler: u32, interval: u32) {
        if self.samplers.len() < SAMPLERS_MAX || self.samplers.contains_key(&sampler) {
            self.samplers.insert(sampler, interval);
        }
    }

    /// How a flow of this sampler was sampled.
    pub(super) fn sampling(&self, sampler: Option<u32>) -> Option<u32> {
        let of = |sampler| self.samplers.get(&sampler).copied();
        of(sampler.unwrap_or(0))
            .or_else(|| of(0))
            .filter(|interval| *interval > 0)
    }

    /// The next number is not known.
    pub(super) fn begin_anew(&mut self) {
        self.next = None;
    }

    /// Follows the numbering: a datagram of this number moves it on by `n`. Says how many numbers are
    /// missing before it.
    pub(super) fn count(&mut self, number: u32, n: u32) -> u32 {
        let ahead = self.next.map_or(0, |next| number.wrapping_sub(next));
        if ahead.wrapping_neg() <= LATE_MAX && ahead != 0 {
            return 0;
        }
        self.next = Some(number.wrapping_add(n));
        // Half of all numbers ahead is behind: the exporter began anew.
        if ahead > u32::MAX / 2 { 0 } else { ahead }
    }
}
