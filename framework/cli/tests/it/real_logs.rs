//! Real logs beside the checkout: a scan among the requests of a real web server.

use std::fs;
use std::process::Command;

use datashark_test_data::shared_data;

use crate::shark::Folder;

const SCANNER: &str = "192.168.4.25";

const CONF: &str = r#"name = Web
type = streaming
enabled = true
code = web-anomaly-detection
training = TRAINING
input = file
output = csv
window = WINDOW
timestamp_field = time
timestamp_format = %d:%H:%M:%S
allowed_lateness = 31d
features = FEATURES
apache_access_logs_pattern = "(?P<source>[^ ]+) \[(?P<time>[0-9:]+)\] \"(?P<request>.*)\" (?P<response_code>[0-9]{3}) ([^ ]+)"
[in_file]
folder_path = logs
[out_csv]
path = out.csv
"#;

/// Lines, and lines of the scanner, of a packed log; `None` without gzip.
fn n_lines(path: &std::path::Path) -> Option<(u64, u64)> {
    let output = Command::new("gzip").arg("-dc").arg(path).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of_scanner = text
        .lines()
        .filter(|line| line.starts_with(&format!("{SCANNER} ")));
    Some((text.lines().count() as u64, of_scanner.count() as u64))
}

fn watched(features: &str, window: &str) -> Option<(Folder, [u64; 5], u64)> {
    let training = shared_data("access_logs/epa_format/elastic_apache_combined.epa.log.gz")?;
    let attack = shared_data("access_logs/epa_format/attack_acunetix.epa.log.gz")?;
    let (n_attack, _) = n_lines(&attack)?;
    let (n_normal, _) = n_lines(&training)?;
    let folder = Folder::new();
    let conf = CONF.replace("TRAINING", training.to_str().unwrap());
    folder.write(
        "web.conf",
        conf.replace("FEATURES", features).replace("WINDOW", window),
    );
    fs::create_dir(folder.path("logs")).unwrap();
    fs::copy(&attack, folder.path("logs/attack.log.gz")).unwrap();
    fs::copy(&training, folder.path("logs/normal.log.gz")).unwrap();
    let ran = folder.run(&["standalone", "--once", "web.conf"]).ends(0);
    Some((folder, ran.account(), n_attack + n_normal))
}

#[test]
fn the_scanner_of_a_real_scan_is_a_row_and_every_record_is_accounted_for() {
    let Some((folder, account, n_lines)) = watched("counts", "60s") else {
        return;
    };
    assert_eq!(account[0], n_lines);
    assert_eq!(account[1..], [0, 0, 0, n_lines]);
    let rows = folder.rows("out.csv");
    assert!(
        rows.iter()
            .any(|row| row.starts_with(&format!("{SCANNER},"))),
        "{}",
        rows.len()
    );
    // Every line of a source is in one of its windows: 2xx and 5xx of the scanner, by grep.
    let sums = rows
        .iter()
        .filter(|row| row.starts_with(&format!("{SCANNER},")))
        .map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            (
                fields[3].parse::<u64>().unwrap(),
                fields[4].parse::<u64>().unwrap(),
            )
        });
    let sums = sums.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let script = format!(
        "zcat logs/attack.log.gz | LC_ALL=C grep -a '^{SCANNER} ' | LC_ALL=C grep -aoE '\" [0-9]{{3}} [^ ]+$' \
         | cut -c3 | LC_ALL=C sort | uniq -c | awk '$2 == 5 {{n = $1}} $2 == 2 {{t = $1}} END {{print n + 0, t + 0}}'"
    );
    assert_eq!(
        folder.script(&script).stdout.trim(),
        format!("{} {}", sums.0, sums.1)
    );
}

#[test]
fn by_rates_over_a_month_the_scanner_stands_out_among_a_real_servers_sources() {
    let Some((folder, account, n_lines)) = watched("rates", "40d") else {
        return;
    };
    assert_eq!(account, [n_lines, 0, 0, 0, n_lines]);
    let rows = folder.rows("out.csv");
    let mut scores: Vec<(f64, &str)> = rows
        .iter()
        .map(|row| {
            let mut fields = row.split(',');
            let key = fields.next().unwrap();
            (fields.next().unwrap().parse().unwrap(), key)
        })
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    assert!(scores.len() > 1_700, "{}", scores.len());
    let place = scores.iter().position(|(_, key)| *key == SCANNER).unwrap();
    assert!(place < scores.len() / 20, "{place} of {}", scores.len());
}
