//! The word of a proxy's request:
//! `class_hour_method_entropy_type_agent_length_code`.
//!
//! | field | what |
//! |---|---|
//! | class | of the host's domain: 2 our own, 1 well known, 0 any other |
//! | hour | of the day, or the first of a part of it |
//! | method | as asked |
//! | entropy | class of the URI's entropy |
//! | type | the main part of the content's type |
//! | agent | binary logarithm of how many requests of the day have the same user agent |
//! | length | binary logarithm of the URI's length |
//! | code | as answered |
//!
//! How common a user agent is shows only when the day is counted. So a word has two parts, what stands
//! before that field and what stands behind it; [`complete`] puts the field between them.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use super::NoWord;
use crate::domain::{Classes, DomainClass, Namer};
use crate::number::{
    Entropy, entropy_class, floor_log2, hour, in_day, part_of_day, pieces, utf16_len,
};
use crate::settings::Words;

/// What the word of a request is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxy<'a> {
    /// `hh:mm:ss`.
    pub time: &'a str,
    /// The host that was asked.
    pub host: &'a str,
    /// The method.
    pub method: Option<&'a str>,
    /// The content's type; `-` where it is missing.
    pub content_type: &'a str,
    /// The answer's code.
    pub code: Option<&'a str>,
    /// The whole URI.
    pub uri: &'a str,
}

/// A request's word taken apart, but for how common its user agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyParts<'a> {
    /// Of the host's domain.
    pub class: DomainClass,
    /// Of the day.
    pub hour: i32,
    /// The method.
    pub method: &'a str,
    /// Class of the URI's entropy.
    pub entropy: i32,
    /// The main part of the content's type.
    pub content_type: Cow<'a, str>,
    /// Binary logarithm of the URI's length.
    pub length: u32,
    /// The answer's code.
    pub code: &'a str,
}

/// Stands in a word where the field of the user agent goes. No field has it: it is replaced there.
pub const AGENT: char = '\u{1F}';

/// Makes the words of requests; keeps the room that this needs.
#[derive(Debug, Clone, Default)]
pub struct ProxyWords {
    words: Words,
    classes: Arc<Classes>,
    namer: Namer,
    entropy: Entropy,
    /// Hours that are one; 0 is as 1.
    n_hours: u8,
}

impl ProxyWords {
    /// With these classes of domains, [of a proxy](Classes::of_proxy).
    pub fn new(words: Words, classes: Arc<Classes>) -> Self {
        ProxyWords {
            words,
            classes,
            ..ProxyWords::default()
        }
    }

    /// With parts of the day of so many hours in place of hours.
    #[must_use]
    pub fn with_hours(self, n_hours: u8) -> Self {
        ProxyWords { n_hours, ..self }
    }

    /// Writes the word of a valid record, with [`AGENT`] in place of the user agent's field.
    ///
    /// # Errors
    /// The hour cannot be told.
    pub fn write(&mut self, proxy: &Proxy<'_>, word: &mut String) -> Result<(), NoWord> {
        let ProxyParts {
            class,
            hour,
            method,
            entropy,
            content_type,
            length,
            code,
        } = self.parts(proxy)?;
        let class = class as u8;
        word.clear();
        // Writing to a text does not fail.
        let _ = write!(word, "{class}_{hour}_");
        push(method, word);
        let _ = write!(word, "_{entropy}_");
        push(&content_type, word);
        let _ = write!(word, "_{AGENT}_{length}_");
        push(code, word);
        Ok(())
    }

    /// What the word of a valid record says.
    ///
    /// # Errors
    /// The hour cannot be told.
    pub fn parts<'a>(&mut self, proxy: &Proxy<'a>) -> Result<ProxyParts<'a>, NoWord> {
        let hour = part_of_day(self.hour(proxy)?, self.n_hours);
        let name = self.namer.take_apart(self.words, proxy.host);
        Ok(ProxyParts {
            class: self.classes.of(name.domain),
            hour,
            method: self.method(proxy),
            entropy: entropy_class(self.entropy.of(proxy.uri)),
            content_type: self.content_type(proxy),
            length: floor_log2(utf16_len(proxy.uri) as u64),
            code: proxy.code.unwrap_or("unknown_response_code"),
        })
    }

    /// The hour of a request.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn hour(&self, proxy: &Proxy<'_>) -> Result<i32, NoWord> {
        let hour = hour(proxy.time).ok_or("`p_time` has no hour")?;
        match self.words {
            Words::Spot11 => Ok(hour),
            Words::V2 => in_day(hour).ok_or("the hour of `p_time` is not one of 0 to 23"),
        }
    }

    fn method<'a>(&self, proxy: &Proxy<'a>) -> &'a str {
        match (self.words, proxy.method) {
            (_, Some(method)) => method,
            (Words::Spot11, None) => "null",
            (Words::V2, None) => "unknown_method",
        }
    }

    fn content_type<'a>(&self, proxy: &Proxy<'a>) -> Cow<'a, str> {
        const UNKNOWN: &str = "unknown_content_type";
        let main = pieces(proxy.content_type, '/').next().unwrap_or(UNKNOWN);
        match self.words {
            Words::Spot11 => main.into(),
            Words::V2 => match main.trim() {
                "" => UNKNOWN.into(),
                main if main.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                    main.to_ascii_lowercase().into()
                }
                main => main.into(),
            },
        }
    }
}

fn push(text: &str, word: &mut String) {
    match text.contains(AGENT) {
        true => word.extend(text.chars().map(|c| if c == AGENT { ' ' } else { c })),
        false => word.push_str(text),
    }
}

/// Puts the field of a user agent that so many requests have into a word that lacks it.
pub fn complete(open: &str, n_requests: u64, word: &mut String) {
    word.clear();
    let (before, behind) = open.split_once(AGENT).unwrap_or((open, ""));
    word.push_str(before);
    let _ = write!(word, "{}", floor_log2(n_requests));
    word.push_str(behind);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TopDomains;

    fn word(words: Words, proxy: &Proxy<'_>) -> Result<String, NoWord> {
        let top = TopDomains::of_domains(["bronto", "bronto.com"]);
        let classes = Classes::new(words, top, vec!["corp.example".to_owned()]);
        let (mut open, mut word) = (String::new(), String::new());
        ProxyWords::new(words, Arc::new(classes.of_proxy())).write(proxy, &mut open)?;
        complete(&open, 1000, &mut word);
        Ok(word)
    }

    const REQUEST: Proxy<'static> = Proxy {
        time: "04:00:00",
        host: "MAW.bronto.com:443",
        method: None,
        content_type: "",
        code: None,
        uri: "/",
    };

    #[test]
    fn v2_mends_host_method_and_type() {
        assert_eq!(
            word(Words::Spot11, &REQUEST).as_deref(),
            Ok("0_4_null_0__9_0_unknown_response_code")
        );
        assert_eq!(
            word(Words::V2, &REQUEST).as_deref(),
            Ok("1_4_unknown_method_0_unknown_content_type_9_0_unknown_response_code")
        );
        let own = Proxy {
            host: "www.corp.example",
            content_type: "Text/HTML; charset=utf-8",
            ..REQUEST
        };
        assert_eq!(
            word(Words::V2, &own).as_deref(),
            Ok("2_4_unknown_method_0_text_9_0_unknown_response_code")
        );
    }

    #[test]
    fn v2_refuses_an_hour_that_no_day_has() {
        let late = Proxy {
            time: "99:00:00",
            ..REQUEST
        };
        assert!(word(Words::Spot11, &late).is_ok());
        assert!(word(Words::V2, &late).is_err());
    }

    #[test]
    fn a_field_cannot_pose_as_the_place_of_the_agent() {
        let hostile = Proxy {
            method: Some("GET\u{1F}_5"),
            content_type: "te\u{1F}xt",
            ..REQUEST
        };
        let word = word(Words::V2, &hostile).unwrap();
        assert_eq!(word, "1_4_GET _5_0_te xt_9_0_unknown_response_code");
    }
}
