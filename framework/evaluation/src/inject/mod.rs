//! Plants attacks among records: synthetic ones, labelled, of which there are as many as is said.
//!
//! An event of an attack begins as a copy of a real record of the machine that the attack comes from, so
//! that columns which nobody here knows are as in real records; what the attack is about is then
//! overwritten ([`Role`]). A column in which all real records say the same stays as it is: the input
//! does not tell it, and a value there would give the attack away.
//!
//! | kind | in | what it looks like |
//! |---|---|---|
//! | `scan` | flows, requests | one machine tries many addresses of a network, or many ports of one; or many paths, most of which are not there |
//! | `beacon` | flows, requests | a machine asks one outside address again and again, every 30 to 600 s with 10 % jitter, always for about as much |
//! | `exfiltration` | flows, requests | few connections to one outside address that carry 20 MB to 2 GB out |
//! | `dns-tunnel` | DNS | names of 100 to 200 random characters below one domain, of a type that carries much |
//! | `dga` | DNS, requests | names of random letters below well-known endings, of which nearly none exist |
//!
//! An attack has at most so many events as one would ([`Kind::most_events`]); what is more is another
//! attack, by another machine. Machines are those of the input, as often as they are there, and times lie
//! between its first and its last.
//!
//! # Examples
//! ```
//! let injection: datashark_evaluation::inject::Injection = "scan:1e-4".parse()?;
//! assert_eq!(injection.rate, 1e-4);
//! assert!("scam".parse::<datashark_evaluation::inject::Injection>().is_err());
//! # Ok::<(), datashark_evaluation::inject::InjectError>(())
//! ```

mod attacks;
mod columns;
mod event;

use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rand::Rng;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use thiserror::Error;

use self::attacks::{Scene, events};
use self::columns::written;
use crate::Micros;
use crate::role::{self, Role};

/// The rate where none is said.
const RATE: f64 = 1e-3;

/// What is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Many addresses, ports or paths are tried.
    Scan,
    /// Something reports again and again.
    Beacon,
    /// Much is carried out.
    Exfiltration,
    /// Data travels in names.
    DnsTunnel,
    /// Generated names are tried.
    Dga,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [
        Kind::Scan,
        Kind::Beacon,
        Kind::Exfiltration,
        Kind::DnsTunnel,
        Kind::Dga,
    ];

    /// As a user names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Scan => "scan",
            Kind::Beacon => "beacon",
            Kind::Exfiltration => "exfiltration",
            Kind::DnsTunnel => "dns-tunnel",
            Kind::Dga => "dga",
        }
    }

    /// How many events one attack of this kind has at most.
    pub fn most_events(self) -> usize {
        match self {
            Kind::Scan => 256,
            Kind::Beacon => 48,
            Kind::Exfiltration => 3,
            Kind::DnsTunnel => 500,
            Kind::Dga => 100,
        }
    }
}

/// A kind of attack and its base rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Injection {
    /// The kind.
    pub kind: Kind,
    /// Which part of all records is to be of this kind, above 0 and below 1.
    pub rate: f64,
}

/// Why nothing can be planted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InjectError {
    /// There is no such kind.
    #[error("unknown kind of attack `{0}`; there is scan, beacon, exfiltration, dns-tunnel, dga")]
    Kind(String),
    /// A rate makes no sense.
    #[error("expected a rate above 0 and below 1, as `scan:1e-4`, found `{0}`")]
    Rate(String),
    /// All rates together leave no room for real records.
    #[error("the rates of all attacks together have to be below 1, and are {0}")]
    Rates(f64),
    /// The records cannot have such an attack.
    #[error("`{}` cannot be planted here: {}", .0.name(), .1)]
    Lacks(Kind, &'static str),
    /// There is no record to begin with.
    #[error("nothing can be planted among no records")]
    Empty,
    /// Columns could not be put together.
    #[error(transparent)]
    Columns(#[from] ArrowError),
}

impl FromStr for Injection {
    type Err = InjectError;

    fn from_str(text: &str) -> Result<Self, InjectError> {
        let (kind, rate) = match text.split_once(':') {
            Some((kind, rate)) => (kind, rate.parse().unwrap_or(f64::NAN)),
            None => (text, RATE),
        };
        let mut kinds = Kind::ALL.into_iter();
        let found = kinds.find(|known| known.name() == kind);
        let kind = found.ok_or_else(|| InjectError::Kind(kind.to_owned()))?;
        match rate > 0.0 && rate < 1.0 {
            true => Ok(Injection { kind, rate }),
            false => Err(InjectError::Rate(text.to_owned())),
        }
    }
}

/// What was planted.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    /// The records, with the columns of the real ones.
    pub records: RecordBatch,
    /// The time of each; `None` where the real ones have none.
    pub times: Vec<Option<Micros>>,
    /// Which attack each is of.
    pub attack_of: Vec<u32>,
    /// The kind of each attack.
    pub attacks: Vec<Kind>,
}

/// What the records are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Flows,
    Dns,
    Requests,
}

impl Shape {
    fn of(records: &RecordBatch) -> Option<Self> {
        let has = |role| role::column(records, role).is_some();
        match () {
            () if !has(Role::Source) => None,
            () if has(Role::QueryName) => Some(Shape::Dns),
            () if has(Role::Uri) || has(Role::Path) => Some(Shape::Requests),
            () if has(Role::DestinationPort) => Some(Shape::Flows),
            () => None,
        }
    }

    fn can_have(self, kind: Kind) -> bool {
        match kind {
            Kind::Scan | Kind::Beacon | Kind::Exfiltration => self != Shape::Dns,
            Kind::DnsTunnel => self == Shape::Dns,
            Kind::Dga => self != Shape::Flows,
        }
    }
}

/// How many records of each kind there are to be beside so many real ones.
fn counts(n_real: usize, injections: &[Injection]) -> Result<Vec<usize>, InjectError> {
    let rates: f64 = injections.iter().map(|injection| injection.rate).sum();
    if rates >= 1.0 {
        return Err(InjectError::Rates(rates));
    }
    let n_all = n_real as f64 / (1.0 - rates);
    let count = |injection: &Injection| ((n_all * injection.rate).round() as usize).max(1);
    Ok(injections.iter().map(count).collect())
}

/// Makes attacks up that go among these records, of which the times are known or not; at least one event
/// of each kind, whatever its rate.
///
/// # Errors
/// The records lack what such an attack is about.
pub fn inject(
    records: &RecordBatch,
    times: &[Option<Micros>],
    injections: &[Injection],
    seed: u64,
) -> Result<Injected, InjectError> {
    if records.num_rows() == 0 {
        return Err(InjectError::Empty);
    }
    let lacks = |injection: &Injection, what| Err(InjectError::Lacks(injection.kind, what));
    let Some(first) = injections.first() else {
        return Ok(nothing(records));
    };
    let Some(shape) = Shape::of(records) else {
        return lacks(first, "the records are no flows, DNS answers or requests");
    };
    if let Some(injection) = injections.iter().find(|one| !shape.can_have(one.kind)) {
        return lacks(injection, "the records are of other traffic");
    }
    let counts = counts(records.num_rows(), injections)?;
    let scene = Scene::new(records, times, shape);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut planted, mut attack_of, mut attacks) = (Vec::new(), Vec::new(), Vec::new());
    for (injection, count) in injections.iter().zip(counts) {
        let kind = injection.kind;
        let n_attacks = count.div_ceil(kind.most_events());
        for attack in 0..n_attacks {
            // As evenly as can be.
            let n_events = (count + attack) / n_attacks;
            let attacker = random.gen_range(0..records.num_rows());
            attack_of.extend(std::iter::repeat_n(attacks.len() as u32, n_events));
            attacks.push(kind);
            planted.extend(events(&scene, kind, attacker, n_events, &mut random));
        }
    }
    Ok(Injected {
        records: written(records, &planted)?,
        times: planted.iter().map(|event| event.time).collect(),
        attack_of,
        attacks,
    })
}

fn nothing(records: &RecordBatch) -> Injected {
    Injected {
        records: records.slice(0, 0),
        times: Vec::new(),
        attack_of: Vec::new(),
        attacks: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
