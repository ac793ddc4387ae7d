//! The domain of a host's name, and the class that it gives a word: our own, well known, any other.
//!
//! With `words = spot-1.1` it is found as Apache Spot 1.1 found it: the label before a country's code
//! and one of seven top-level domains, letter by letter, so that `www.bbc.co.uk` is of `co`. With
//! `v2` it is what somebody has registered with a registry, by the Public Suffix List, as the function
//! `registered_domain` of SQL has it, which a use case cannot see.

use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use crate::number::pieces;
use crate::settings::Words;

/// The top-level domains that Spot 1.1 knows beside the countries'.
const GENERIC: [&str; 7] = ["com", "edu", "gov", "int", "mil", "net", "org"];

/// The country codes that Spot 1.1 knows, sorted.
const COUNTRIES: &str = "\
ac ad ae af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bv \
bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et \
eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il \
im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr krd kw ky kz la lb lc li lk lr ls lt lu lv ly ma \
mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa \
pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss \
st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tp tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn \
vu wf ws ye yt za zm zw";

/// What Spot 1.1 has in place of a domain or a subdomain that is not there.
pub const NONE: &str = "None";

/// A host's name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The domain, where there is one.
    pub domain: Option<&'a str>,
    /// What stands before it.
    pub subdomain: Option<&'a str>,
    /// How many labels the whole name has.
    pub n_labels: usize,
}

/// Takes names apart; keeps the room in which they are lower-cased.
#[derive(Debug, Clone, Default)]
pub struct Namer {
    lower: String,
}

impl Namer {
    /// A name taken apart as the words ask.
    pub fn take_apart<'a>(&'a mut self, words: Words, name: &'a str) -> Name<'a> {
        match words {
            Words::Spot11 => by_label(name),
            Words::V2 => self.registered(name),
        }
    }

    /// By the Public Suffix List: lower-case, without a port and the dot at the end.
    fn registered<'a>(&'a mut self, name: &'a str) -> Name<'a> {
        let name = without_port(name);
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => {
                self.lower.clear();
                self.lower.push_str(name);
                self.lower.make_ascii_lowercase();
                self.lower.as_str()
            }
            false => name,
        };
        let domain = match is_address(name) {
            true => None,
            false => psl::domain_str(name).filter(|domain| !domain.starts_with('.')),
        };
        // Of a name that ends in two dots the domain is not its end.
        let before = domain.and_then(|domain| name.strip_suffix(domain));
        let subdomain = before
            .and_then(|before| before.strip_suffix('.'))
            .filter(|subdomain| !subdomain.is_empty());
        Name {
            domain,
            subdomain,
            n_labels: pieces(name, '.').count(),
        }
    }
}

/// An address in brackets or not; only what can be one is parsed.
fn is_address(name: &str) -> bool {
    let name = name.strip_prefix('[').unwrap_or(name);
    let name = name.strip_suffix(']').unwrap_or(name);
    let looks_like = name.ends_with(|c: char| c.is_ascii_digit()) || name.contains(':');
    looks_like && name.parse::<IpAddr>().is_ok()
}

/// `host:443` without its port; `2001:db8::1` and `[2001:db8::1]` as they are.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((before, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (before.ends_with(']') || !before.contains(':')) =>
        {
            before
        }
        _ => host,
    }
}

/// As Spot 1.1: the label before a country's code and a generic domain.
fn by_label(name: &str) -> Name<'_> {
    let n_labels = pieces(name, '.').count();
    let nothing = Name {
        domain: None,
        subdomain: None,
        n_labels,
    };
    // Spot splits the name, which drops the dots at its end.
    let trimmed = name.trim_end_matches('.');
    let (before, last) = match trimmed.rsplit_once('.') {
        Some((before, last)) if n_labels >= 2 => (before, last),
        _ => return nothing,
    };
    // What is left of the name when the labels that say nothing are dropped.
    let left = match (is_country(last), is_generic(last)) {
        (true, _) => match before.rsplit_once('.') {
            Some((front, label)) if is_generic(label) => Some(front),
            None if is_generic(before) => None,
            _ => Some(before),
        },
        (false, true) => Some(before),
        (false, false) => return nothing,
    };
    let Some(left) = left else { return nothing };
    let (subdomain, domain) = match left.rsplit_once('.') {
        Some((subdomain, domain)) => (Some(subdomain), domain),
        None => (None, left),
    };
    Name {
        domain: Some(domain),
        // A subdomain that is called so is none.
        subdomain: subdomain.filter(|subdomain| *subdomain != NONE),
        n_labels,
    }
}

fn is_generic(label: &str) -> bool {
    GENERIC.contains(&label)
}

fn is_country(label: &str) -> bool {
    // The empty text is in Spot's list by a slip, but no last label is empty.
    let plausible = matches!(label.len(), 2 | 3);
    plausible && COUNTRIES.split(' ').any(|country| country == label)
}

/// The domains that are well known: a ranked list's.
#[derive(Debug, Clone, Default)]
pub struct TopDomains {
    domains: HashSet<Box<str>, RandomState>,
}

impl TopDomains {
    /// Of the lines `rank,name` of a ranked list. As Spot 1.1, a name counts by its first label; with
    /// `v2` by its registered domain.
    pub fn of_lines<'a>(words: Words, lines: impl Iterator<Item = &'a str>) -> Self {
        let mut namer = Namer::default();
        let mut domains = HashSet::default();
        for line in lines {
            let name = line.split_once(',').map_or(line, |(_, name)| name).trim();
            let domain = match words {
                Words::Spot11 => pieces(name, '.').next(),
                Words::V2 => namer.take_apart(words, name).domain,
            };
            if let Some(domain) = domain.filter(|domain| !domain.is_empty()) {
                domains.insert(domain.into());
            }
        }
        TopDomains { domains }
    }

    /// Of domains as they are.
    pub fn of_domains<'a>(domains: impl IntoIterator<Item = &'a str>) -> Self {
        let domains = domains.into_iter().map(Into::into).collect();
        TopDomains { domains }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    fn has(&self, domain: &str) -> bool {
        self.domains.contains(domain)
    }
}

/// What a word says of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DomainClass {
    /// Any other, or none.
    Other = 0,
    /// In the list of the well known.
    Top = 1,
    /// Our own.
    Own = 2,
}

/// Tells the class of domains.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    words: Words,
    top: TopDomains,
    own: Vec<String>,
}

impl Classes {
    /// With these well-known domains and domains of our own.
    pub fn new(words: Words, top: TopDomains, own: Vec<String>) -> Self {
        let own = own.into_iter().filter(|own| !own.is_empty());
        let own = own.map(|own| match words {
            Words::Spot11 => own,
            Words::V2 => own.trim().trim_end_matches('.').to_ascii_lowercase(),
        });
        Classes {
            words,
            top,
            own: own.collect(),
        }
    }

    /// As Spot 1.1 has it for a proxy: `intel` is built in, what the user said is not asked.
    #[must_use]
    pub fn of_proxy(self) -> Self {
        match self.words {
            Words::Spot11 => Classes {
                own: vec!["intel".to_owned()],
                ..self
            },
            Words::V2 => self,
        }
    }

    /// The class of a domain.
    pub fn of(&self, domain: Option<&str>) -> DomainClass {
        let domain = match (self.words, domain) {
            // There a missing domain is a text like any other.
            (Words::Spot11, domain) => domain.unwrap_or(NONE),
            (Words::V2, Some(domain)) => domain,
            (Words::V2, None) => return DomainClass::Other,
        };
        if self.own.iter().any(|own| self.is_own(own, domain)) {
            DomainClass::Own
        } else if self.top.has(domain) {
            DomainClass::Top
        } else {
            DomainClass::Other
        }
    }

    /// `intel.com` is itself; `intel` is whatever domain's first label, of whatever registry.
    fn is_own(&self, own: &str, domain: &str) -> bool {
        let by_first_label = self.words == Words::V2 && !own.contains('.');
        match by_first_label {
            true => domain.split('.').next() == Some(own),
            false => domain == own,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v2(name: &str) -> (Option<String>, Option<String>) {
        let mut namer = Namer::default();
        let found = namer.take_apart(Words::V2, name);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (owned(found.domain), owned(found.subdomain))
    }

    fn some(domain: &str, subdomain: Option<&str>) -> (Option<String>, Option<String>) {
        (Some(domain.to_owned()), subdomain.map(str::to_owned))
    }

    #[test]
    fn v2_finds_what_somebody_has_registered() {
        assert_eq!(v2("www.bbc.co.uk"), some("bbc.co.uk", Some("www")));
        assert_eq!(v2("WWW.Google.COM."), some("google.com", Some("www")));
        assert_eq!(v2("maw.bronto.com:443"), some("bronto.com", Some("maw")));
        assert_eq!(v2("example.info"), some("example.info", None));
        assert_eq!(v2("None.example.com"), some("example.com", Some("none")));
        for none in [
            "10.1.1.1",
            "10.1.1.1:80",
            "[2001:db8::1]:443",
            "2001:db8::1",
            "co.uk",
            "",
            ".",
        ] {
            assert_eq!(v2(none), (None, None), "{none}");
        }
    }

    #[test]
    fn our_own_domains_may_be_a_label_or_a_domain() {
        let own = vec!["Intel".to_owned(), "corp.example.org".to_owned()];
        let top = TopDomains::of_lines(Words::V2, "1,www.google.co.uk\n2,intel.com".lines());
        let classes = Classes::new(Words::V2, top, own);
        assert_eq!(classes.of(Some("intel.co.uk")), DomainClass::Own);
        assert_eq!(classes.of(Some("google.co.uk")), DomainClass::Top);
        assert_eq!(classes.of(Some("google.com")), DomainClass::Other);
        assert_eq!(classes.of(None), DomainClass::Other);
    }

    #[test]
    fn spot_reduces_the_top_list_to_first_labels() {
        let top = TopDomains::of_lines(Words::Spot11, "1,google.co.uk\n2,www.example.com".lines());
        let classes = Classes::new(Words::Spot11, top, Vec::new());
        assert_eq!(classes.of(Some("google")), DomainClass::Top);
        assert_eq!(classes.of(Some("www")), DomainClass::Top);
        assert_eq!(classes.of(Some("example")), DomainClass::Other);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_name_make_it_up_again(name in "[a-z.]{0,20}") {
            let mut namer = Namer::default();
            for words in [Words::Spot11, Words::V2] {
                let found = namer.take_apart(words, &name);
                if let (Some(domain), Some(subdomain)) = (found.domain, found.subdomain) {
                    let joined = format!("{}.{}", subdomain, domain);
                    prop_assert!(name.starts_with(&joined), "{} {}", name, joined);
                }
            }
        }

        #[test]
        fn no_text_ends_it(name in "\\PC{0,40}") {
            let mut namer = Namer::default();
            namer.take_apart(Words::V2, &name);
            namer.take_apart(Words::Spot11, &name);
        }
    }
}
