//! Seeded logs for the benches: the same bytes in every run.

/// How much of each log is made.
pub(crate) const LOG_BYTES: usize = 8 << 20;

/// A small generator (SplitMix64), so that the logs do not change with a library.
pub(crate) struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    /// One of some texts.
    pub(crate) fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn address(&mut self) -> String {
        let n = self.below(50_000);
        format!("10.{}.{}.{}", n % 7, n / 250 % 256, n % 250)
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.below(4);
        (0..depth)
            .map(|_| format!("/{}{}", self.of(WORDS), self.below(100)))
            .collect()
    }
}

const WORDS: &[&str] = &[
    "images",
    "api",
    "articles",
    "static",
    "login",
    "search",
    "presentations",
];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "HEAD"];
const CODES: &[&str] = &["200", "200", "200", "200", "304", "404", "500", "503"];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0",
    "curl/8.5.0",
];

fn log(mut line: impl FnMut(&mut Random, &mut String)) -> Vec<u8> {
    let mut random = Random::new(42);
    let mut log = String::with_capacity(LOG_BYTES + 1024);
    while log.len() < LOG_BYTES {
        line(&mut random, &mut log);
        log.push('\n');
    }
    log.into_bytes()
}

/// Lines of some 100 bytes.
pub(crate) fn text() -> Vec<u8> {
    log(|random, out| {
        let n = 60 + random.below(80) as usize;
        while out.len() - out.rfind('\n').map_or(0, |at| at + 1) < n {
            out.push_str(random.of(WORDS));
            out.push(' ');
        }
    })
}

/// Combined access log lines.
pub(crate) fn combined() -> Vec<u8> {
    log(|random, out| {
        let (address, path) = (random.address(), random.path());
        let (second, code, bytes) = (random.below(4), random.of(CODES), random.below(200_000));
        let (method, agent) = (random.of(METHODS), random.of(AGENTS));
        *out += &format!(
            "{address} - - [17/May/2015:10:05:{:02} +0000] \"{method} {path} HTTP/1.1\" {code} {bytes} \
             \"http://example.com{path}\" \"{agent}\"",
            out.len() / 40_000 % 56 + second as usize
        );
    })
}

/// EPA-HTTP lines, as the web anomaly use case reads them.
pub(crate) fn epa() -> Vec<u8> {
    log(|random, out| {
        let (address, path, second) = (random.address(), random.path(), random.below(60));
        let (method, code, bytes) = (random.of(METHODS), random.of(CODES), random.below(200_000));
        *out += &format!(
            "{address} [29:23:53:{second:02}] \"{method} {path} HTTP/1.0\" {code} {bytes}"
        );
    })
}

/// JSON objects of 12 members and some 400 bytes.
pub(crate) fn json() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (path, agent, code) = (random.path(), random.of(AGENTS), random.of(CODES));
        *out += &format!(
            r#"{{"timestamp":"2024-05-17T10:05:{:02}.{:03}Z","host":"web-{:02}","program":"{}","pid":{},"source_ip":"{source}","destination_ip":"{destination}","outcome":"{}","user_name":"user{}","url_path":"{path}","response_code":{code},"bytes":{},"user_agent":"{agent}","message":"request served by the {} cache in {} ms"}}"#,
            random.below(60),
            random.below(1000),
            random.below(20),
            random.of(&["sshd", "nginx", "cron"]),
            random.below(30_000),
            random.of(&["success", "failure"]),
            random.below(5_000),
            random.below(200_000),
            random.of(WORDS),
            random.below(900),
        );
    })
}

/// Separated fields, a third of the records with a quoted one.
pub(crate) fn csv() -> Vec<u8> {
    log(|random, out| {
        let (source, path, code) = (random.address(), random.path(), random.of(CODES));
        let comment = random.of(&["plain", "\"quoted, with a comma\"", "none"]);
        let (bytes, method) = (random.below(200_000), random.of(METHODS));
        *out += &format!(
            "2024-05-17 10:05:{:02},{source},{method},{path},{code},{bytes},{comment},{}",
            random.below(60),
            random.of(WORDS)
        );
    })
}
