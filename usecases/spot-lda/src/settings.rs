//! What the user sets: the use case's own keys of a conf, a `spot.conf`, and the defaults.

use chrono_tz::Tz;
use datashark_ml::lda::{Algorithm, Lda, LdaError, LdaParams};
use datashark_sdk::conf::{Problem, Problems};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::spot_conf::SpotConf;

/// By which rules words are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Words {
    /// As Apache Spot 1.1, to the letter.
    #[serde(rename = "spot-1.1")]
    Spot11,
    /// Mended.
    #[default]
    #[serde(rename = "v2")]
    V2,
}

impl Words {
    /// As a conf names it.
    pub fn name(self) -> &'static str {
        match self {
            Words::Spot11 => "spot-1.1",
            Words::V2 => "v2",
        }
    }

    /// How many hours are one to a word where a conf does not say.
    ///
    /// With each hour a word of its own, what is done a few times a day at any hour is as rare as what is
    /// never done, and hides it: there are 24 times as many words to be learnt of the same records. Spot
    /// has it so; `v2` leaves the hour out.
    pub fn hours(self) -> u8 {
        match self {
            Words::Spot11 => 1,
            Words::V2 => 24,
        }
    }

    /// How words are scored where a conf does not say.
    pub fn scoring(self) -> Scoring {
        match self {
            Words::Spot11 => Scoring::Spot,
            Words::V2 => Scoring::Pooled,
        }
    }
}

/// How probable a word is said to be; [`score`](crate::score) has the formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scoring {
    /// By the address's topics alone.
    Spot,
    /// By these, by how often everyone has the word, and by what it is made of.
    Pooled,
}

/// Whose names the records' columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fields {
    /// Apache Spot's: `sip`, `dns_qry_name`, `clientip`, …
    #[default]
    Spot,
    /// Those that several formats have by one name: `source_ip`, `dns_question_name`, `url_domain`, …;
    /// of Zeek's logs, Suricata's events and others.
    Common,
}

/// How topics are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// What comes to the same likelihood soonest; see `datashark_ml::lda`.
    Fast,
    /// Expectation-maximisation of the most probable model (Asuncion et al. 2009).
    Em,
    /// Stochastic variational Bayes (Hoffman et al. 2010).
    Online,
}

/// The use case's own keys of a conf. What is not there is taken from `spot_conf`, where that is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// What the records are of: `flow`, `dns`, `proxy`.
    pub analysis: Kind,
    /// By which rules words are made.
    #[serde(default)]
    pub words: Words,
    /// Whose names the records' columns have.
    #[serde(default)]
    pub fields: Fields,
    /// The highest score of a finding; Spot's `TOL`.
    pub threshold: Option<f64>,
    /// How many findings at most, those with the lowest scores; 0 or less is no limit.
    pub max_results: Option<i64>,
    /// Topics; Spot's `TOPIC_COUNT`.
    pub topics: Option<usize>,
    /// How topics are found; Spot's `LDA_OPTIMIZER`.
    pub optimizer: Option<Optimizer>,
    /// Concentration of the documents' mixes; Spot's `LDA_ALPHA`.
    pub alpha: Option<f64>,
    /// Concentration of the topics; Spot's `LDA_BETA`.
    pub beta: Option<f64>,
    /// Rounds.
    pub iterations: Option<usize>,
    /// Of all random draws.
    #[serde(default)]
    pub seed: u64,
    /// Bits that a document's mix is kept with: 32, else 64; Spot's `PRECISION`.
    pub precision: Option<u32>,
    /// Domains of our own, `intel` or `intel.com`; Spot's `USER_DOMAIN`.
    pub user_domains: Option<Vec<String>>,
    /// A ranked list of well-known domains, lines `rank,name`.
    pub top_domains: Option<String>,
    /// An analyst's file: what is marked as harmless in it is learnt as usual.
    pub feedback: Option<String>,
    /// How often a line of `feedback` counts; Spot's `DUPFACTOR`.
    pub dup_factor: Option<u32>,
    /// How words are scored.
    pub scoring: Option<Scoring>,
    /// How many hours are one to a word: a divisor of 24, of which 24 leaves the hour out.
    pub hours: Option<u8>,
    /// Where the day's hours are counted, for `dns` with `words = v2`.
    pub time_zone: Option<String>,
    /// Apache Spot's own conf.
    pub spot_conf: Option<String>,
}

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What the records are of.
    pub kind: Kind,
    /// By which rules words are made.
    pub words: Words,
    /// Whose names the columns have.
    pub fields: Fields,
    /// The highest score of a finding.
    pub threshold: f64,
    /// How many findings at most; `None` is no limit.
    pub max_results: Option<usize>,
    /// Topics.
    pub topics: usize,
    /// How topics are found.
    pub optimizer: Optimizer,
    /// Concentration of the documents' mixes; `None` leaves it to the optimizer.
    pub alpha: Option<f64>,
    /// Concentration of the topics; `None` leaves it to the optimizer.
    pub beta: Option<f64>,
    /// Rounds; `None` leaves it to the optimizer.
    pub iterations: Option<usize>,
    /// Of all random draws.
    pub seed: u64,
    /// Whether a document's mix is kept with 32 bits.
    pub is_single_precision: bool,
    /// Domains of our own.
    pub user_domains: Vec<String>,
    /// How often a line of feedback counts.
    pub dup_factor: u32,
    /// How words are scored.
    pub scoring: Scoring,
    /// How many hours are one to a word.
    pub hours: u8,
    /// Where the day's hours are counted.
    pub zone: Tz,
}

/// Spot's shipped threshold.
const THRESHOLD: f64 = 1e-6;
/// As many as Spot's operators asked for.
const MAX_RESULTS: i64 = 3000;
const TOPICS: usize = 20;
const DUP_FACTOR: u32 = 1000;

impl Settings {
    /// Of a conf's keys, of what a `spot.conf` says for those that are not there, and the defaults.
    ///
    /// # Errors
    /// Every value that makes no sense, with its key.
    pub fn of(conf: &Conf, spot: &SpotConf) -> Result<Self, Problems> {
        let mut spot = FromSpot {
            conf: spot,
            problems: Problems::new(),
        };
        let optimizer = conf.optimizer.or_else(|| spot.optimizer());
        let user_domain = || spot.conf.get("USER_DOMAIN").map(|own| vec![own.to_owned()]);
        let user_domains = conf.user_domains.clone().or_else(user_domain);
        let max_results = conf.max_results.or_else(|| spot.number("MAXRESULTS"));
        let precision = conf.precision.or_else(|| spot.number("PRECISION"));
        let zone = conf.time_zone.as_deref().unwrap_or("UTC");
        let settings = Settings {
            kind: conf.analysis,
            words: conf.words,
            fields: conf.fields,
            threshold: conf
                .threshold
                .or_else(|| spot.number("TOL"))
                .unwrap_or(THRESHOLD),
            max_results: limit(max_results.unwrap_or(MAX_RESULTS)),
            topics: conf
                .topics
                .or_else(|| spot.number("TOPIC_COUNT"))
                .unwrap_or(TOPICS),
            optimizer: optimizer.unwrap_or(match conf.spot_conf {
                // Spot's default, for whoever has Spot's conf.
                Some(_) => Optimizer::Em,
                None => Optimizer::Fast,
            }),
            alpha: automatic(conf.alpha.or_else(|| spot.number("LDA_ALPHA"))),
            beta: automatic(conf.beta.or_else(|| spot.number("LDA_BETA"))),
            iterations: conf.iterations,
            seed: conf.seed,
            is_single_precision: precision == Some(32),
            user_domains: user_domains.unwrap_or_default(),
            dup_factor: conf
                .dup_factor
                .or_else(|| spot.number("DUPFACTOR"))
                .unwrap_or(DUP_FACTOR),
            scoring: conf.scoring.unwrap_or(conf.words.scoring()),
            hours: conf.hours.unwrap_or(conf.words.hours()),
            zone: zone.parse().unwrap_or(Tz::UTC),
        };
        let mut problems = spot.problems;
        if zone.parse::<Tz>().is_err() {
            let message = format!("no such time zone: `{zone}`");
            let help = "a name of the time zone database, as `Europe/Berlin`";
            problems.push(Problem::at(["time_zone"], message).help(help));
        }
        problems.extend(settings.problems());
        match problems.has_errors() {
            true => Err(problems),
            false => Ok(settings),
        }
    }

    fn problems(&self) -> Problems {
        let threshold = (!(0.0..=f64::MAX).contains(&self.threshold)).then(|| {
            let message = format!("expected a number from 0 up, found `{}`", self.threshold);
            Problem::at(["threshold"], message)
        });
        let hours = (self.hours == 0 || 24 % self.hours != 0).then(|| {
            let message = format!("expected a divisor of 24, found `{}`", self.hours);
            Problem::at(["hours"], message)
        });
        let lda = self.lda().check_ref().err().map(|error| match error {
            LdaError::Parameter {
                name,
                value,
                expected,
            } => {
                let key = match name {
                    "eta" => "beta",
                    "n_topics" => "topics",
                    name => name,
                };
                Problem::at([key], format!("expected {expected}, found `{value}`"))
            }
            error => Problem::new(error.to_string()),
        });
        lda.into_iter().chain(threshold).chain(hours).collect()
    }

    /// How topics are found.
    pub(crate) fn lda(&self) -> LdaParams {
        Lda::params(self.topics)
            .algorithm(match self.optimizer {
                Optimizer::Fast => Algorithm::Fast,
                Optimizer::Em => Algorithm::Em,
                Optimizer::Online => Algorithm::Online,
            })
            .alpha(self.alpha)
            .eta(self.beta)
            .max_iterations(self.iterations)
            .seed(self.seed)
    }
}

/// Spot's -1 leaves a prior to the optimizer.
fn automatic(prior: Option<f64>) -> Option<f64> {
    prior.filter(|prior| *prior != -1.0)
}

fn limit(max_results: i64) -> Option<usize> {
    usize::try_from(max_results).ok().filter(|limit| *limit > 0)
}

/// Reads keys of a `spot.conf` and notes which do not parse.
struct FromSpot<'a> {
    conf: &'a SpotConf,
    problems: Problems,
}

impl FromSpot<'_> {
    fn number<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        let text = self.conf.get(key)?;
        let number = text.parse().ok();
        if number.is_none() {
            let message = format!("`{key}` of the spot.conf is no number: `{text}`");
            self.problems.push(Problem::at(["spot_conf"], message));
        }
        number
    }

    fn optimizer(&mut self) -> Option<Optimizer> {
        match self.conf.get("LDA_OPTIMIZER")? {
            "em" => Some(Optimizer::Em),
            "online" => Some(Optimizer::Online),
            other => {
                let message = format!(
                    "`LDA_OPTIMIZER` of the spot.conf: expected em or online, found `{other}`"
                );
                self.problems.push(Problem::at(["spot_conf"], message));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::Section;

    use super::*;

    fn settings(keys: &[(&str, &str)], spot: &str) -> Result<Settings, Vec<String>> {
        let section = Section::from_iter(keys.iter().copied());
        let conf: Conf = section.parse().expect("the keys parse");
        let problems =
            |problems: Problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        Settings::of(&conf, &SpotConf::parse(spot, &[])).map_err(problems)
    }

    #[test]
    fn a_conf_goes_before_the_spot_conf_and_that_before_the_defaults() {
        let spot = "TOL='1e-4'\nTOPIC_COUNT=30\nDUPFACTOR=7\nPRECISION='32'\nUSER_DOMAIN=intel\n\
                    LDA_OPTIMIZER=online\nLDA_ALPHA=0.0009\nLDA_BETA=''";
        let found = settings(&[("analysis", "dns"), ("topics", "5")], spot).unwrap();
        assert_eq!((found.topics, found.threshold), (5, 1e-4));
        assert_eq!((found.dup_factor, found.is_single_precision), (7, true));
        assert_eq!(found.user_domains, ["intel"]);
        assert_eq!((found.alpha, found.beta), (Some(0.0009), None));
        assert_eq!(found.optimizer, Optimizer::Online);
        assert_eq!((found.iterations, found.max_results), (None, Some(3000)));
    }

    #[test]
    fn empty_settings_are_the_defaults() {
        let spot = "TOL=''\nLDA_OPTIMIZER=''\nLDA_ALPHA=\nPRECISION='64'";
        let keys = [
            ("analysis", "flow"),
            ("max_results", "-1"),
            ("spot_conf", "spot.conf"),
        ];
        let found = settings(&keys, spot).unwrap();
        assert_eq!(found.optimizer, Optimizer::Em);
        assert_eq!((found.threshold, found.max_results), (1e-6, None));
        assert!(!found.is_single_precision);
    }

    #[test]
    fn v2_leaves_the_hour_out_unless_it_is_asked_for() {
        let hours = |keys: &[(&str, &str)]| {
            let keys = [&[("analysis", "flow")], keys].concat();
            settings(&keys, "").map(|settings| settings.hours)
        };
        assert_eq!(hours(&[]), Ok(24));
        assert_eq!(hours(&[("words", "spot-1.1")]), Ok(1));
        assert_eq!(hours(&[("hours", "6")]), Ok(6));
        let wrong = vec!["hours: expected a divisor of 24, found `5`".to_owned()];
        assert_eq!(hours(&[("hours", "5")]), Err(wrong));
    }

    #[test]
    fn priors_that_em_cannot_have_are_refused_before_anything_is_read() {
        let keys = [
            ("analysis", "flow"),
            ("optimizer", "em"),
            ("alpha", "0.5"),
            ("time_zone", "Mars"),
        ];
        assert_eq!(
            settings(&keys, "TOL=much").unwrap_err(),
            [
                "spot_conf: `TOL` of the spot.conf is no number: `much`",
                "time_zone: no such time zone: `Mars`",
                "alpha: expected a number above 1 for `em`, at most 1e6, found `0.5`",
            ]
        );
        let online = [
            ("analysis", "flow"),
            ("optimizer", "online"),
            ("alpha", "0.1"),
        ];
        assert!(settings(&online, "").is_ok());
        let automatic = [("analysis", "flow"), ("alpha", "-1")];
        assert_eq!(settings(&automatic, "").unwrap().alpha, None);
    }
}
