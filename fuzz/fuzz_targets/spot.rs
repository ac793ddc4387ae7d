//! Any bytes as a `spot.conf`, as an analyst's feedback, and as names and texts of records.

#![no_main]

use std::sync::Arc;

use datashark_spot_lda::domain::{Classes, TopDomains};
use datashark_spot_lda::word::{Dns, DnsWords, Proxy, ProxyWords};
use datashark_spot_lda::{Feedback, Kind, SpotConf, Words};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let conf = SpotConf::parse(&text, &[("HUSER", "/user/spot")]);
    conf.get("FLOW_PATH");
    for kind in [Kind::Flow, Kind::Dns, Kind::Proxy] {
        let feedback = Feedback::parse(kind, &text);
        let records = feedback.records(kind, |_| None).expect("lines are records");
        assert_eq!(records.num_rows(), feedback.len());
    }
    for words in [Words::Spot11, Words::V2] {
        let top = TopDomains::of_lines(words, text.lines());
        let classes = Arc::new(Classes::new(words, top, vec![text.clone().into_owned()]));
        let dns = Dns {
            frame_time: &text,
            unix_tstamp: data.len() as i64,
            frame_len: i64::MAX,
            name: &text,
            query_type: -1,
            rcode: -1,
        };
        let mut word = String::new();
        let _ =
            DnsWords::new(words, Arc::clone(&classes), Default::default()).write(&dns, &mut word);
        let proxy = Proxy {
            time: "04:00:00",
            host: &text,
            method: Some(&text),
            content_type: &text,
            code: Some(&text),
            uri: &text,
        };
        let made = ProxyWords::new(words, classes).write(&proxy, &mut word);
        // Exactly one place is left for the user agent, whatever the fields hold.
        assert!(made.is_err() || word.matches('\u{1F}').count() == 1);
    }
});
