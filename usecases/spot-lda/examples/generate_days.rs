//! Writes the sample records of `conf/spot-flow`, `conf/spot-dns` and `conf/spot-proxy`, the same bytes
//! each time:
//! `cargo run -p datashark-spot-lda --example generate_days -- conf`
//!
//! A small office from nine to twelve, on two days, and on the second a machine that does at three in
//! the morning what it never did. Everything is made up; addresses are from the ranges kept for
//! documentation (RFC 5737) and private ones, names from those of RFC 2606.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const USAGE: &str = "give the folder `conf` that has the folders of the samples";
/// The office's machines.
const N_CLIENTS: u64 = 20;
/// The machine that something is wrong with.
const INFECTED: &str = "10.0.0.23";

fn main() -> io::Result<()> {
    let root = std::env::args_os().nth(1).map(PathBuf::from);
    let root = root.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, USAGE))?;
    for (kind, of_day) in [
        ("flow", flows as fn(&mut Rng, u32) -> Vec<String>),
        ("dns", answers),
        ("proxy", requests),
    ] {
        let folder = root.join(format!("spot-{kind}"));
        write(&folder.join("yesterday.csv"), &of_day(&mut Rng(1), 26))?;
        write(&folder.join("logs/today.csv"), &of_day(&mut Rng(2), 27))?;
    }
    Ok(())
}

fn write(path: &Path, lines: &[String]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, lines.join("\n") + "\n")
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n_mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n_mixed = (n_mixed ^ (n_mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (n_mixed ^ (n_mixed >> 31)) % n
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn client(&mut self) -> String {
        format!("10.0.0.{}", 10 + self.below(N_CLIENTS))
    }

    /// Second of a working morning.
    fn second(&mut self) -> u64 {
        9 * 3600 + self.below(3 * 3600)
    }
}

fn clock(second: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Lines behind a header, in the order of their seconds.
fn sorted(header: &str, mut lines: Vec<(u64, String)>) -> Vec<String> {
    lines.sort();
    let lines = lines.into_iter().map(|(_, line)| line);
    std::iter::once(header.to_owned()).chain(lines).collect()
}

fn flow(
    day: u32,
    second: u64,
    ends: [&str; 2],
    ports: [u64; 2],
    proto: &str,
    sizes: [u64; 4],
) -> String {
    let ([sip, dip], [sport, dport], [ipkt, ibyt, opkt, obyt]) = (ends, ports, sizes);
    let (hour, minute, of_minute) = (second / 3600, second / 60 % 60, second % 60);
    let clock = clock(second);
    format!(
        "2026-08-{day} {clock},2026,8,{day},{hour},{minute},{of_minute},0.5,{sip},{dip},{sport},{dport},\
         {proto},{ipkt},{ibyt},{opkt},{obyt}"
    )
}

fn flows(rng: &mut Rng, day: u32) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..600 {
        let (second, client, port) = (rng.second(), rng.client(), 32_768 + rng.below(28_000));
        let packets = 8 + rng.below(8);
        let sizes = [
            packets,
            1_024 + rng.below(1_024),
            packets,
            8_192 + rng.below(8_192),
        ];
        let (server, service, proto) = match rng.below(10) {
            0..5 => (rng.one_of(&["203.0.113.10", "203.0.113.11"]), 443, "TCP"),
            5..7 => ("203.0.113.12", 80, "TCP"),
            7..9 => ("192.0.2.53", 53, "UDP"),
            _ => ("203.0.113.25", 993, "TCP"),
        };
        let (ends, ports) = ([client.as_str(), server], [port, service]);
        lines.push((second, flow(day, second, ends, ports, proto, sizes)));
        let (ends, ports) = ([server, client.as_str()], [service, port]);
        let back = [sizes[2], sizes[3], sizes[0], sizes[1]];
        lines.push((second, flow(day, second, ends, ports, proto, back)));
    }
    if day == 27 {
        let (second, ends) = (3 * 3600, [INFECTED, "198.51.100.99"]);
        let sizes = [9_000, 12_582_912, 4_000, 200_000];
        lines.push((second, flow(day, second, ends, [41_000, 22], "TCP", sizes)));
    }
    let header = "treceived,tryear,trmonth,trday,trhour,trminute,trsec,tdur,sip,dip,sport,dport,proto,\
                  ipkt,ibyt,opkt,obyt";
    sorted(header, lines)
}

fn answer(day: u32, second: u64, client: &str, name: &str, ask: [u64; 3]) -> String {
    let [length, query_type, rcode] = ask;
    // The 27th of August 2026 began with this second.
    let unix = 1_787_788_800 - 86_400 * (27 - u64::from(day)) + second;
    format!(
        "Aug {day} 2026 {}.000000000 UTC,{unix},{length},{client},{name},0x00000001,{query_type},{rcode}",
        clock(second)
    )
}

fn answers(rng: &mut Rng, day: u32) -> Vec<String> {
    let names = [
        "www.example.com",
        "mail.example.com",
        "example.org",
        "cdn.static.example.net",
        "intranet.corp.example",
    ];
    let mut lines = Vec::new();
    for _ in 0..700 {
        let (second, client, name) = (rng.second(), rng.client(), rng.one_of(&names));
        let length = 64 + name.len() as u64 + rng.below(40);
        lines.push((second, answer(day, second, &client, name, [length, 1, 0])));
    }
    if day == 27 {
        let payload: String = (0..40).map(|_| rng.one_of(&HEX)).collect();
        let (second, name) = (3 * 3600, format!("{payload}.t.example.net"));
        lines.push((second, answer(day, second, INFECTED, &name, [310, 16, 0])));
    }
    let header = "frame_time,unix_tstamp,frame_len,ip_dst,dns_qry_name,dns_qry_class,dns_qry_type,\
                  dns_qry_rcode";
    sorted(header, lines)
}

const HEX: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
];

/// What a request asks for, and with what.
struct Ask<'a> {
    method: &'a str,
    host: &'a str,
    path: &'a str,
    agent: &'a str,
    content_type: &'a str,
    code: &'a str,
    bytes: [u64; 2],
}

fn request(day: u32, second: u64, client: &str, ask: &Ask<'_>) -> String {
    let Ask {
        method,
        host,
        path,
        agent,
        content_type,
        code,
        bytes: [down, up],
    } = ask;
    format!(
        "2026-08-{day},{},{client},{host},{method},{agent},{content_type},120,-,-,-,{code},80,{path},-,\
         192.0.2.80,{down},{up},{host}{path}",
        clock(second)
    )
}

fn requests(rng: &mut Rng, day: u32) -> Vec<String> {
    let agents = [
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/142.0",
    ];
    let pages = [
        ("/index.html", "text/html", "200"),
        ("/images/logo.png", "image/png", "200"),
        ("/api/v1/items", "application/json", "200"),
    ];
    let mut lines = Vec::new();
    for _ in 0..500 {
        let (second, client) = (rng.second(), rng.client());
        let (path, content_type, code) = pages[rng.below(pages.len() as u64) as usize];
        let ask = Ask {
            method: "GET",
            host: rng.one_of(&["www.example.com", "news.example.net"]),
            path,
            agent: agents[rng.below(2) as usize],
            content_type,
            code,
            bytes: [900 + rng.below(20_000), 300 + rng.below(200)],
        };
        lines.push((second, request(day, second, &client, &ask)));
    }
    if day == 27 {
        let payload: String = (0..60).map(|_| rng.one_of(&HEX)).collect();
        let (second, path) = (3 * 3600, format!("/u/{payload}"));
        let ask = Ask {
            method: "PUT",
            host: "198.51.100.99",
            path: &path,
            agent: "updater/0.1",
            content_type: "application/octet-stream",
            code: "201",
            bytes: [120, 4_000_000],
        };
        lines.push((second, request(day, second, INFECTED, &ask)));
    }
    let header = "p_date,p_time,clientip,host,reqmethod,useragent,resconttype,duration,username,webcat,\
                  referer,respcode,uriport,uripath,uriquery,serverip,scbytes,csbytes,fulluri";
    sorted(header, lines)
}
