//! `datashark new`: a folder to begin with.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::args::{New, NewKind};
use crate::text::say;
use crate::{Failure, WRONG};

/// A file of a new folder: where, and what is in it before names are filled in.
type Template = (&'static str, &'static str);

const SAMPLE_JSON: &str = include_str!("usecase/sample.in");
const SAMPLE_TEXT: &str = include_str!("output/sample.in");
const WORDS: &str = include_str!("output/words.sql.in");

/// Of every crate.
const CRATE: [Template; 5] = [
    ("Cargo.toml", include_str!("crate/Cargo.toml.in")),
    ("README.md", include_str!("crate/README.md.in")),
    (".gitignore", include_str!("crate/gitignore.in")),
    (".github/workflows/ci.yml", include_str!("crate/ci.yml.in")),
    ("tests/finds.rs", include_str!("crate/finds.rs.in")),
];

const USE_CASE: [Template; 4] = [
    ("src/lib.rs", include_str!("usecase/lib.rs.in")),
    ("conf/{{name}}.conf", include_str!("usecase/conf.in")),
    ("conf/sample.json", SAMPLE_JSON),
    ("tests/expected", "10.0.0.1,0.75,3\n"),
];

const OUTPUT: [Template; 5] = [
    ("src/lib.rs", include_str!("output/lib.rs.in")),
    ("conf/{{name}}.conf", include_str!("output/conf.in")),
    ("conf/words.sql", WORDS),
    ("conf/sample.txt", SAMPLE_TEXT),
    ("tests/expected", "one 1\ntwo 2\n"),
];

const INPUT: [Template; 5] = [
    ("src/lib.rs", include_str!("input/lib.rs.in")),
    ("conf/{{name}}.conf", include_str!("input/conf.in")),
    ("conf/words.sql", WORDS),
    ("conf/sample.txt", SAMPLE_TEXT),
    ("tests/expected", "one,1\ntwo,2\n"),
];

const SQL: [Template; 4] = [
    ("{{name}}.conf", include_str!("sql/conf.in")),
    ("{{name}}.sql", include_str!("sql/query.sql.in")),
    ("sample.json", SAMPLE_JSON),
    ("README.md", include_str!("sql/README.md.in")),
];

/// Writes the folder.
pub(crate) fn run(args: &New) -> Result<(), Failure> {
    let wrong = |message: String| {
        say(&format!("error: {message}"));
        Failure::Said(WRONG)
    };
    check(args).map_err(wrong)?;
    let into = args.into.clone().unwrap_or_else(|| PathBuf::from("."));
    let folder = std::path::absolute(into.join(&args.name))?;
    let made = fs::create_dir_all(folder.parent().unwrap_or(Path::new("/")));
    made.and_then(|()| fs::create_dir(&folder))
        .map_err(|error| {
            Failure::Run(format!("making the folder {}: {error}", folder.display()))
        })?;
    let templates: Vec<Template> = match (args.sql, args.kind) {
        (true, _) => SQL.to_vec(),
        (false, NewKind::Usecase) => [&CRATE[..], &USE_CASE].concat(),
        (false, NewKind::Output) => [&CRATE[..], &OUTPUT].concat(),
        (false, NewKind::Input) => [&CRATE[..], &INPUT].concat(),
    };
    let names = names(args, &folder);
    let mut stdout = std::io::stdout().lock();
    for (path, text) in templates {
        let path = folder.join(filled(path, &names));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, filled(text, &names))?;
        writeln!(stdout, "{}", path.display())?;
    }
    Ok(())
}

/// All that is wrong with what was asked for.
fn check(args: &New) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = args.name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !args.name.chars().all(is_plain) {
        return Err(format!(
            "expected a name of small letters, digits and `-` that begins with a letter, found `{}`",
            args.name
        ));
    }
    if args.sql && args.kind != NewKind::Usecase {
        return Err("only a use case can be written in SQL".to_owned());
    }
    if let Some(source) = &args.source
        && !source.join("framework/sdk/Cargo.toml").is_file()
    {
        return Err(format!("{} has no `framework/sdk`", source.display()));
    }
    Ok(())
}

/// What stands for each name in a template.
fn names(args: &New, folder: &Path) -> [(&'static str, String); 7] {
    let library = args.name.replace('-', "_");
    let (library, what, how) = match args.kind {
        NewKind::Usecase => (
            library,
            "A use case",
            format!("write `code = {}`", args.name),
        ),
        NewKind::Output => {
            let how = format!("write `output = {}`", args.name);
            (format!("out_{library}"), "An output", how)
        }
        NewKind::Input => {
            let how = format!("write `input = {}`", args.name);
            (format!("in_{library}"), "An input", how)
        }
    };
    let words = args.name.split('-').filter(|word| !word.is_empty());
    let kind = words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect();
    [
        ("{{name}}", args.name.clone()),
        ("{{type}}", kind),
        ("{{library}}", library),
        ("{{what}}", what.to_owned()),
        ("{{use}}", how),
        ("{{folder}}", folder.display().to_string()),
        ("{{dependencies}}", dependencies(args)),
    ]
}

fn dependencies(args: &New) -> String {
    let from = match &args.source {
        None => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
        Some(source) => {
            let source = std::path::absolute(source).unwrap_or_else(|_| source.clone());
            format!(
                "path = {:?}",
                source.join("framework/sdk").display().to_string()
            )
        }
    };
    let mut lines = vec![
        format!("datashark-sdk = {{ {from}, features = [\"plugin\"] }}"),
        "serde = { version = \"1\", features = [\"derive\"] }".to_owned(),
    ];
    if args.kind != NewKind::Usecase {
        lines.insert(0, "async-trait = \"0.1\"".to_owned());
    }
    lines.join("\n")
}

fn filled(text: &str, names: &[(&'static str, String)]) -> String {
    let fill = |text: String, (name, value): &(&'static str, String)| text.replace(name, value);
    names.iter().fold(text.to_owned(), fill)
}
