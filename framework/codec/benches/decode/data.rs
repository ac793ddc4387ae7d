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

/// Zeek's connections as a table, with its header.
pub(crate) fn zeek() -> Vec<u8> {
    let header = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
        #path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\t\
        duration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t\
        orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n\
        #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t\
        bool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n";
    let records = log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (service, bytes) = (
            random.of(&["dns", "ssl", "http", "-"]),
            random.below(200_000),
        );
        *out += &format!(
            "17723664{:02}.{:06}\tC{:016x}\t{source}\t{}\t{destination}\t{}\ttcp\t{service}\t0.{:06}\t{}\t\
             {bytes}\tSF\tT\tF\t0\tShADadfF\t{}\t{}\t{}\t{bytes}\t-",
            out.len() / 100_000 % 100,
            random.below(1_000_000),
            random.below(u64::MAX),
            1024 + random.below(60_000),
            random.below(1024),
            random.below(1_000_000),
            random.below(5_000),
            random.below(20),
            random.below(6_000),
            random.below(30),
        );
    });
    [header.as_bytes(), &records].concat()
}

/// Suricata's events: flows and alerts.
pub(crate) fn eve() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (port, bytes) = (1024 + random.below(60_000), random.below(200_000));
        *out += &format!(
            r#"{{"timestamp":"2026-03-01T12:00:{:02}.{:06}+0000","flow_id":{},"in_iface":"eth0","event_type":"{}","src_ip":"{source}","src_port":{port},"dest_ip":"{destination}","dest_port":{},"proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":{},"rev":2,"signature":"ET {} of {}","category":"Misc Attack","severity":{}}},"app_proto":"http","flow":{{"pkts_toserver":{},"pkts_toclient":{},"bytes_toserver":{bytes},"bytes_toclient":{},"start":"2026-03-01T12:00:00.000000+0000"}}}}"#,
            random.below(60),
            random.below(1_000_000),
            random.below(1 << 50),
            random.of(&["alert", "flow"]),
            random.below(1024),
            2_000_000 + random.below(50_000),
            random.of(WORDS),
            random.of(WORDS),
            1 + random.below(3),
            random.below(30),
            random.below(30),
            random.below(200_000),
        );
    })
}

/// Lines of IIS, with their header.
pub(crate) fn w3c() -> Vec<u8> {
    let header = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n\
        #Date: 2026-03-01 12:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port \
        cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n";
    let records = log(|random, out| {
        let (source, path) = (random.address(), random.path());
        let query = random.of(&["-", "-", "id=12&sort=date"]);
        let (method, code) = (random.of(METHODS), random.of(CODES));
        *out += &format!(
            "2026-03-01 12:{:02}:{:02} 198.51.100.7 {method} {path} {query} 443 - {source} \
             {} https://example.com{path} {code} 0 0 {}",
            out.len() / 200_000 % 60,
            random.below(60),
            random.of(AGENTS).replace(' ', "+"),
            random.below(900),
        );
    });
    [header.as_bytes(), &records].concat()
}

/// Lines of Squid's native access log.
pub(crate) fn squid() -> Vec<u8> {
    log(|random, out| {
        let (source, path) = (random.address(), random.path());
        let (method, code) = (random.of(METHODS), random.of(CODES));
        *out += &format!(
            "17723664{:02}.{:03} {:6} {source} {}/{code} {} {method} http://example.com{path} {} \
             HIER_DIRECT/198.51.100.{} {}",
            out.len() / 100_000 % 100,
            random.below(1000),
            random.below(60_000),
            random.of(&["TCP_MISS", "TCP_HIT", "TCP_TUNNEL"]),
            random.below(200_000),
            random.of(&["-", "alice", "bob"]),
            random.below(250),
            random.of(&["text/html", "image/png", "-"]),
        );
    })
}

/// Lines of RFC 3164, an auth.log's.
pub(crate) fn syslog() -> Vec<u8> {
    log(|random, out| {
        let (address, port) = (random.address(), 1024 + random.below(60_000));
        let (pid, user) = (random.below(30_000), random.below(5_000));
        *out += &format!(
            "<38>Oct {:2} 22:14:{:02} host-{:02} sshd[{pid}]: Failed password for invalid user \
             user{user} from {address} port {port} ssh2",
            1 + out.len() / 400_000,
            out.len() / 10_000 % 60,
            random.below(20),
        );
    })
}

/// Lines of RFC 5424 with structured data.
pub(crate) fn syslog_5424() -> Vec<u8> {
    log(|random, out| {
        let (address, word) = (random.address(), random.of(WORDS));
        let (pid, user) = (random.below(30_000), random.below(5_000));
        *out += &format!(
            "<38>1 2026-10-11T22:14:{:02}.{:03}Z host-{:02} app {pid} ID{} \
             [origin ip=\"{address}\" software=\"app\"][meta@32473 user=\"user{user}\"] served {word}",
            out.len() / 140_000 % 60,
            random.below(1000),
            random.below(20),
            random.below(90),
        );
    })
}

/// Events of CEF behind a syslog header.
pub(crate) fn cef() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (port, word) = (1024 + random.below(60_000), random.of(WORDS));
        *out += &format!(
            "Oct 11 22:14:{:02} fw-{} CEF:0|Example|Wall|1.{}|{}|traffic forward|{}|\
             deviceExternalId=X{} src={source} spt={port} dst={destination} dpt=443 proto=TCP \
             act={} cs1Label=Rule Name cs1=Default rule {word} request=http://example.com/?q={word} \
             msg=Connection seen in {word} rt=17918{:08}",
            out.len() / 140_000 % 60,
            random.below(5),
            random.below(9),
            random.below(1000),
            random.below(11),
            random.below(50),
            random.of(&["Accept", "Drop", "Reject"]),
            random.below(100_000_000),
        );
    })
}

/// Events of LEEF 2.0 behind a syslog header.
pub(crate) fn leef() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (port, word) = (1024 + random.below(60_000), random.of(WORDS));
        *out += &format!(
            "Oct 11 22:14:{:02} fw-{} LEEF:2.0|Example|Wall|4.{}|{}|^|devTime=17918{:08}^src={source}^\
             srcPort={port}^dst={destination}^dstPort=443^proto=TCP^sev={}^policy=Default {word}^\
             action={}^url=http://example.com/?q={word}^msg=Connection seen in {word}",
            out.len() / 140_000 % 60,
            random.below(5),
            random.below(9),
            random.below(1000),
            random.below(100_000_000),
            random.below(11),
            random.of(&["Accept", "Drop", "Reject"]),
        );
    })
}

/// Keys and values, as a firewall writes them.
pub(crate) fn logfmt() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (port, word) = (1024 + random.below(60_000), random.of(WORDS));
        *out += &format!(
            "id=firewall time=\"2026-10-11 22:14:{:02}\" fw=\"fw-{}\" level=notice ipproto=tcp proto=https \
             src={source} srcport={port} dst={destination} dstport=443 duration={} action={} user=user{} \
             msg=\"Connection seen in {word}\"",
            out.len() / 140_000 % 60,
            random.below(5),
            random.below(9),
            random.of(&["pass", "block"]),
            random.below(5_000),
        );
    })
}

/// Packets that netfilter logs.
pub(crate) fn iptables() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let port = 1024 + random.below(60_000);
        *out += &format!(
            "Oct 11 22:14:{:02} fw-{} kernel: [{}.{:06}] [UFW {}] IN=eth0 OUT= \
             MAC=00:00:5e:00:53:01:00:00:5e:00:53:02:08:00 SRC={source} DST={destination} LEN=60 TOS=0x00 \
             PREC=0x00 TTL={} ID={} DF PROTO=TCP SPT={port} DPT=22 WINDOW=29200 RES=0x00 SYN URGP=0",
            out.len() / 140_000 % 60,
            random.below(5),
            random.below(1_000_000),
            random.below(1_000_000),
            random.of(&["BLOCK", "ALLOW", "AUDIT"]),
            random.below(64),
            random.below(65_536),
        );
    })
}

/// Messages of an ASA: connections built, torn down and denied.
pub(crate) fn asa() -> Vec<u8> {
    log(|random, out| {
        let (source, destination) = (random.address(), random.address());
        let (port, id) = (1024 + random.below(60_000), random.below(1_000_000_000));
        let message = match random.below(4) {
            0 => format!(
                "%ASA-4-106023: Deny tcp src outside:{source}/{port} dst inside:{destination}/22 by \
                 access-group \"outside_in\" [0x0, 0x0]"
            ),
            1 => format!(
                "%ASA-6-302014: Teardown TCP connection {id} for outside:{source}/{port} to \
                 inside:{destination}/443 duration 0:00:30 bytes {port} TCP FINs"
            ),
            2 => "%ASA-5-111008: User 'admin' executed the 'show' command.".to_owned(),
            _ => format!(
                "%ASA-6-302013: Built inbound TCP connection {id} for outside:{source}/{port} \
                 ({source}/{port}) to inside:{destination}/443 ({destination}/443)"
            ),
        };
        let second = out.len() / 140_000 % 60;
        *out += &format!("<166>Oct 11 2026 22:14:{second:02} fw-1 : {message}");
    })
}
