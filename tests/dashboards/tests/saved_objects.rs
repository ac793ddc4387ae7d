//! The dashboards in `conf/` hold together, ask for what the findings have, and are what
//! `conf/dashboards.py` writes.
#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A use case with a dashboard.
struct UseCase {
    name: &'static str,
    /// Confs whose findings it shows.
    confs: &'static [&'static str],
    /// What has the names of the metadata columns, as `AS name` or alone on a line.
    code: &'static [&'static str],
    /// The metadata columns, by which a document's members are called.
    metadata: &'static [&'static str],
}

const USE_CASES: [UseCase; 4] = [
    UseCase {
        name: "web-anomaly-detection",
        confs: &["web-anomaly-detection.conf"],
        code: &[
            "../usecases/web-anomaly-detection/src/lib.rs",
            "../usecases/web-anomaly-detection/src/features.rs",
        ],
        metadata: &["cluster", "nxx", "twoxx"],
    },
    UseCase {
        name: "proxy-websites",
        confs: &["proxy-websites.conf", "proxy-websites-squid.conf"],
        code: &["proxy-websites/proxy-websites.sql"],
        metadata: &["users", "bytes", "denied", "first_seen", "last_seen"],
    },
    UseCase {
        name: "httpd-traffic",
        confs: &["httpd-traffic.conf"],
        code: &["httpd-traffic/httpd-traffic.sql"],
        metadata: &["status_class", "bytes", "sources", "share", "error_share"],
    },
    UseCase {
        name: "firewall-traffic",
        confs: &["firewall-traffic.conf", "firewall-traffic-asa.conf"],
        code: &["firewall-traffic/firewall-traffic.sql"],
        metadata: &[
            "kind",
            "denied",
            "denied_share",
            "sources",
            "destinations",
            "ports",
            "first_seen",
            "last_seen",
        ],
    },
];

/// How far each type may have been migrated: OpenSearch Dashboards refuses an object of a later
/// version than 7.10 had, and Kibana migrates from there.
const MIGRATED: [(&str, &str); 3] = [
    ("index-pattern", "7.6.0"),
    ("visualization", "7.10.0"),
    ("dashboard", "7.9.3"),
];

/// Kinds of classic visualizations that Kibana 8 and 9 and OpenSearch Dashboards 2 and 3 have.
const KINDS: [&str; 7] = [
    "area",
    "histogram",
    "horizontal_bar",
    "line",
    "metric",
    "pie",
    "table",
];

/// Width of a dashboard's grid.
const N_COLUMNS: u64 = 48;

fn conf_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf")
}

impl UseCase {
    fn file(&self) -> PathBuf {
        let file = format!("{0}/dashboards/{0}.ndjson", self.name);
        conf_folder().join(file)
    }

    fn objects(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    fn of_type(&self, kind: &str) -> Vec<Value> {
        let mut objects = self.objects();
        objects.retain(|object| object["type"] == kind);
        objects
    }

    /// A key of the `[out_elasticsearch]` that a conf has in comments.
    fn output(&self, conf: &str, key: &str) -> String {
        let text = fs::read_to_string(conf_folder().join(self.name).join(conf)).unwrap();
        let section = text.split("#[out_elasticsearch]").nth(1);
        let lines = section
            .unwrap_or_else(|| panic!("{conf} has no #[out_elasticsearch]"))
            .lines();
        let values = lines.filter_map(|line| line.strip_prefix('#')?.split_once('='));
        let mut found = values.filter(|(name, _)| name.trim() == key);
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("{conf} has no `{key}`"));
        value.trim().to_owned()
    }

    /// The members of a document.
    fn members(&self) -> HashSet<String> {
        let conf = self.confs[0];
        let named = ["pkey", "score"].map(|key| self.output(conf, key));
        let fixed = ["title", "timestamp"].map(str::to_owned);
        let metadata = self.metadata.iter().map(|name| (*name).to_owned());
        fixed.into_iter().chain(named).chain(metadata).collect()
    }
}

/// JSON in a text of JSON, as saved objects have it.
fn inner(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

fn str_of<'a>(object: &'a Value, name: &str) -> &'a str {
    let value = object[name].as_str();
    value.unwrap_or_else(|| panic!("no text `{name}` in {object}"))
}

fn array_of<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name]
        .as_array()
        .unwrap_or_else(|| panic!("no list `{name}` in {object}"))
}

#[test]
fn ids_are_unique_over_all_files() {
    let mut ids = HashSet::new();
    for object in USE_CASES.iter().flat_map(UseCase::objects) {
        assert!(
            ids.insert(str_of(&object, "id").to_owned()),
            "{}",
            object["id"]
        );
    }
    assert!(ids.len() > 4 * 5, "only {} objects", ids.len());
}

#[test]
fn every_object_is_of_a_version_and_a_form_that_all_servers_take() {
    for object in USE_CASES.iter().flat_map(UseCase::objects) {
        // `coreMigrationVersion`, `typeMigrationVersion` and `managed` are unknown to OpenSearch
        // Dashboards, whose index takes no unknown members.
        let members: BTreeSet<&str> = object
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let expected = ["attributes", "id", "migrationVersion", "references", "type"];
        assert_eq!(members, BTreeSet::from(expected));
        let kind = str_of(&object, "type");
        let (_, version) = MIGRATED.iter().find(|(name, _)| *name == kind).unwrap();
        assert_eq!(
            object["migrationVersion"],
            serde_json::json!({ kind: version })
        );
    }
}

#[test]
fn every_reference_leads_to_an_object_of_its_file_and_is_used() {
    for use_case in &USE_CASES {
        let objects = use_case.objects();
        let is_there = |reference: &Value| {
            let same = |object: &Value, member| object[member] == reference[member];
            let mut all = objects.iter();
            all.any(|object| same(object, "id") && same(object, "type"))
        };
        let mut shown = HashSet::new();
        for object in &objects {
            let references = array_of(object, "references");
            for reference in references {
                assert!(
                    is_there(reference),
                    "{} leads nowhere in {}",
                    reference,
                    object["id"]
                );
                shown.insert(str_of(reference, "id").to_owned());
            }
            let mut names: Vec<&str> = references
                .iter()
                .map(|reference| str_of(reference, "name"))
                .collect();
            names.sort_unstable();
            let mut used = used_references(object);
            used.sort_unstable();
            assert_eq!(names, used, "{}", object["id"]);
        }
        let unseen = objects.iter().filter(|object| {
            object["type"] != "dashboard" && !shown.contains(str_of(object, "id"))
        });
        assert_eq!(
            unseen.count(),
            0,
            "{}: an object is on no dashboard",
            use_case.name
        );
    }
}

/// The names by which an object's attributes refer to its references.
fn used_references(object: &Value) -> Vec<String> {
    let attributes = &object["attributes"];
    match str_of(object, "type") {
        "visualization" => {
            let source = inner(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]);
            vec![str_of(&source, "indexRefName").to_owned()]
        }
        "dashboard" => {
            let panels = inner(&attributes["panelsJSON"]);
            let panels = panels.as_array().unwrap().iter();
            panels
                .map(|panel| str_of(panel, "panelRefName").to_owned())
                .collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_field_is_a_member_of_the_documents() {
    for use_case in &USE_CASES {
        let members = use_case.members();
        let mut used = HashSet::new();
        for object in use_case.of_type("visualization") {
            let attributes = &object["attributes"];
            let state = inner(&attributes["visState"]);
            for agg in array_of(&state, "aggs") {
                let field = agg["params"]["field"].as_str();
                assert!(
                    field.is_some() || agg["type"] == "count",
                    "{}",
                    object["id"]
                );
                used.extend(field.map(str::to_owned));
            }
            let source = inner(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]);
            // The one form that is used: `field: value`.
            if let Some((field, _)) = str_of(&source["query"], "query").split_once(':') {
                used.insert(field.to_owned());
            }
        }
        for field in &used {
            assert!(
                members.contains(field),
                "{}: no member `{field}` in {members:?}",
                use_case.name
            );
        }
        assert!(
            used.contains(&use_case.output(use_case.confs[0], "pkey")),
            "{}",
            use_case.name
        );
    }
}

#[test]
fn the_documents_have_the_members_that_are_listed_here() {
    for use_case in &USE_CASES {
        let read = |file: &&str| fs::read_to_string(conf_folder().join(file)).unwrap();
        let code: String = use_case.code.iter().map(read).collect();
        for column in use_case.metadata {
            let is_column = code.lines().any(|line| {
                let line = line.trim().trim_end_matches(',');
                line == *column
                    || line.ends_with(&format!(" AS {column}"))
                    || line.contains(&format!("\"{column}\""))
                    || line.contains(&format!(" AS {column},"))
            });
            assert!(is_column, "{} has no column `{column}`", use_case.name);
        }
    }
}

#[test]
fn index_patterns_match_what_the_confs_write() {
    for use_case in &USE_CASES {
        let patterns = use_case.of_type("index-pattern");
        assert_eq!(patterns.len(), 1);
        let attributes = &patterns[0]["attributes"];
        assert_eq!(attributes["timeFieldName"], "timestamp");
        let prefix = str_of(attributes, "title").strip_suffix('*').unwrap();
        for conf in use_case.confs {
            assert_eq!(use_case.output(conf, "index_name"), prefix, "{conf}");
            for key in ["pkey", "score", "title"] {
                let first = use_case.output(use_case.confs[0], key);
                assert_eq!(use_case.output(conf, key), first, "{conf}");
            }
        }
    }
}

#[test]
fn visualizations_are_of_kinds_that_all_servers_have_and_agree_with_themselves() {
    for object in USE_CASES
        .iter()
        .flat_map(|use_case| use_case.of_type("visualization"))
    {
        let id = str_of(&object, "id");
        let state = inner(&object["attributes"]["visState"]);
        assert_eq!(state["title"], object["attributes"]["title"], "{id}");
        assert!(KINDS.contains(&str_of(&state, "type")), "{id}");
        let aggs = array_of(&state, "aggs");
        let metrics: HashSet<&str> = aggs
            .iter()
            .filter(|agg| agg["schema"] == "metric")
            .map(|agg| str_of(agg, "id"))
            .collect();
        let ids: HashSet<&str> = aggs.iter().map(|agg| str_of(agg, "id")).collect();
        assert_eq!(
            ids.len(),
            aggs.len(),
            "{id}: an aggregation's id comes twice"
        );
        assert!(!metrics.is_empty(), "{id} measures nothing");
        for agg in aggs.iter().filter(|agg| agg["type"] == "terms") {
            assert!(metrics.contains(str_of(&agg["params"], "orderBy")), "{id}");
        }
        for series in state["params"]["seriesParams"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert!(metrics.contains(str_of(&series["data"], "id")), "{id}");
            assert_eq!(
                series["valueAxis"], state["params"]["valueAxes"][0]["id"],
                "{id}"
            );
        }
    }
}

#[test]
fn panels_lie_side_by_side_on_the_grid() {
    for use_case in &USE_CASES {
        let dashboards = use_case.of_type("dashboard");
        assert_eq!(dashboards.len(), 1);
        let panels = inner(&dashboards[0]["attributes"]["panelsJSON"]);
        let mut taken = HashSet::new();
        let mut names = HashSet::new();
        for panel in panels.as_array().unwrap() {
            let grid = &panel["gridData"];
            assert_eq!(grid["i"], panel["panelIndex"]);
            assert!(
                names.insert(str_of(grid, "i").to_owned()),
                "{}",
                use_case.name
            );
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| grid[name].as_u64().unwrap());
            assert!(w > 0 && h > 0 && x + w <= N_COLUMNS, "{grid}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(
                    taken.insert(cell),
                    "{}: two panels at {cell:?}",
                    use_case.name
                );
            }
        }
    }
}

#[test]
fn what_is_checked_in_is_what_the_script_writes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboards");
    let script = conf_folder().join("dashboards.py");
    let run = Command::new("python3")
        .arg(script)
        .arg("export")
        .arg(&folder)
        .output();
    let Ok(run) = run else {
        datashark_test_data::skipped("there is no python3");
        return;
    };
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    for use_case in &USE_CASES {
        let written = folder.join(use_case.file().strip_prefix(conf_folder()).unwrap());
        let (written, checked_in) = (
            fs::read(written).unwrap(),
            fs::read(use_case.file()).unwrap(),
        );
        assert!(
            written == checked_in,
            "run conf/dashboards.py export: {}",
            use_case.name
        );
    }
}

#[test]
fn each_readme_shows_its_picture_and_names_its_dashboard() {
    for use_case in &USE_CASES {
        let folder = conf_folder().join(use_case.name);
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let picture = format!("dashboards/{}.svg", use_case.name);
        assert!(
            readme.contains(&format!("]({picture})")),
            "{}",
            use_case.name
        );
        assert!(readme.contains(&format!("dashboards/{}.ndjson", use_case.name)));
        let svg = fs::read_to_string(folder.join(picture)).unwrap();
        let titles = use_case.of_type("visualization");
        for title in titles
            .iter()
            .map(|object| str_of(&object["attributes"], "title"))
        {
            let (_, panel) = title.split_once(": ").unwrap();
            assert!(
                svg.contains(&format!(">{panel}<")),
                "{}: no panel `{panel}`",
                use_case.name
            );
        }
    }
}
