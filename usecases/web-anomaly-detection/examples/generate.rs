//! Writes the sample access logs of `conf/`, the same bytes each time:
//!
//! ```text
//! cargo run -p datashark-web-anomaly-detection --example generate -- conf
//! ```
//!
//! Everything in them is made up. Addresses are from the ranges kept for documentation (RFC 5737).

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// The one source that scans; everybody else reads pages.
const SCANNER: &str = "203.0.113.66";

const PAGES: [&str; 12] = [
    "/",
    "/index.html",
    "/news",
    "/about",
    "/docs/start",
    "/docs/faq",
    "/img/logo.png",
    "/css/main.css",
    "/js/app.js",
    "/feed.xml",
    "/search?q=log",
    "/login",
];

const PROBES: [&str; 8] = [
    "/login?id=1'--",
    "/admin.php",
    "/.env",
    "/cgi-bin/test",
    "/search?q=%00",
    "/api/v1/users?id=-1",
    "/upload",
    "/backup.zip",
];

fn main() -> io::Result<()> {
    let conf = env::args().nth(1).unwrap_or_else(|| "conf".into());
    let web = Path::new(&conf).join("web-anomaly-detection");
    fs::create_dir_all(web.join("logs"))?;
    fs::write(web.join("test_access_log"), epa(&mut Random(1), 3000, 0))?;
    fs::write(web.join("logs/access_log.1"), epa(&mut Random(2), 1000, 0))?;
    fs::write(
        web.join("logs/access_log.2"),
        epa(&mut Random(3), 1000, 150),
    )?;
    let top = Path::new(&conf).join("top-sources");
    fs::create_dir_all(&top)?;
    fs::write(top.join("access.log"), combined(&mut Random(4), 1200, 60))
}

/// A log of the EPA-HTTP form, over a minute.
fn epa(random: &mut Random, n_lines: u64, n_probes: u64) -> String {
    let mut log = String::new();
    for line in requests(random, n_lines, n_probes) {
        let second = line.idx * 60 / n_lines;
        let Request {
            source,
            method,
            path,
            code,
            bytes,
            ..
        } = line;
        writeln!(
            log,
            r#"{source} [29:23:53:{second:02}] "{method} {path} HTTP/1.1" {code} {bytes}"#
        )
        .expect("a string takes all");
    }
    log
}

/// A log of Apache's combined form, over a day.
fn combined(random: &mut Random, n_lines: u64, n_probes: u64) -> String {
    let mut log = String::new();
    for line in requests(random, n_lines, n_probes) {
        let second = line.idx * 86_400 / n_lines;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let time = format!("14/Oct/2016:{hour:02}:{minute:02}:{:02} +0000", second % 60);
        let Request {
            source,
            method,
            path,
            code,
            bytes,
            ..
        } = line;
        let agent = if source == SCANNER {
            "probe/1.0"
        } else {
            "Mozilla/5.0"
        };
        writeln!(
            log,
            r#"{source} - - [{time}] "{method} {path} HTTP/1.1" {code} {bytes} "-" "{agent}""#
        )
        .expect("a string takes all");
    }
    log
}

struct Request {
    idx: u64,
    source: String,
    method: &'static str,
    path: &'static str,
    code: u16,
    bytes: u64,
}

/// Requests of readers, with the scanner's spread evenly among them.
fn requests(random: &mut Random, n_lines: u64, n_probes: u64) -> Vec<Request> {
    let is_probe = |idx| (idx + 1) * n_probes / n_lines > idx * n_probes / n_lines;
    let request = |idx| {
        if is_probe(idx) {
            probe(random, idx)
        } else {
            read(random, idx)
        }
    };
    (0..n_lines).map(request).collect()
}

/// One in fifteen readers reads much, the others little.
fn read(random: &mut Random, idx: u64) -> Request {
    const NETS: [&str; 3] = ["192.0.2", "198.51.100", "203.0.113"];
    let host = if random.below(4) == 0 {
        random.below(10)
    } else {
        10 + random.below(140)
    };
    let source = format!("{}.{}", NETS[(host % 3) as usize], 100 + host);
    let (code, bytes) = match random.below(200) {
        0 => (500, 612),
        1..6 => (404, 209),
        6..20 => (304, 0),
        _ => (200, 200 + random.below(40_000)),
    };
    let method = if random.below(20) == 0 { "POST" } else { "GET" };
    Request {
        idx,
        source,
        method,
        path: random.of(&PAGES),
        code,
        bytes,
    }
}

fn probe(random: &mut Random, idx: u64) -> Request {
    let (code, bytes) = match random.below(10) {
        0 => (200, 512),
        1..3 => (404, 209),
        _ => (500, 612),
    };
    let source = SCANNER.to_owned();
    Request {
        idx,
        source,
        method: "GET",
        path: random.of(&PROBES),
        code,
        bytes,
    }
}

/// splitmix64 (S. Vigna, public domain).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of(&mut self, values: &[&'static str]) -> &'static str {
        values[self.below(values.len() as u64) as usize]
    }
}
