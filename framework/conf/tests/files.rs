//! Confs on the disk: files that are not there, folders, and what is offered instead.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::fs;

use datashark_conf::{Style, load, load_global};
use tempfile::tempdir;

/// What is said of a path in a folder with these files, without the folder's own path.
fn refused(files: &[&str], path: &str) -> String {
    let folder = tempdir().unwrap();
    for file in files {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let diagnostics = load(folder.path().join(path)).unwrap_err();
    let prefix = format!("{}/", folder.path().display());
    diagnostics
        .to_string()
        .replace(&prefix, "")
        .replace(folder.path().to_str().unwrap(), ".")
}

#[test]
fn a_missing_file_offers_the_conf_with_the_nearest_name() {
    assert_eq!(
        refused(&["wordcount.conf", "other.conf"], "wordcuont.conf"),
        "wordcuont.conf: there is no such file (did you mean `wordcount.conf`?)"
    );
}

#[test]
fn a_missing_file_offers_the_only_conf_there_is() {
    let offered = "x.conf: there is no such file (did you mean `wordcount.conf`?)";
    assert_eq!(
        refused(&["wordcount.conf", "wordcount.txt"], "x.conf"),
        offered
    );
    assert_eq!(
        refused(&["a1.conf", "b2.conf"], "x.conf"),
        "x.conf: there is no such file"
    );
    assert_eq!(
        refused(&[], "none/x.conf"),
        "none/x.conf: there is no such file"
    );
}

#[test]
fn a_folder_offers_its_conf() {
    let offered = ".: this is a folder; a conf is a file (did you mean `./wordcount.conf`?)";
    assert_eq!(refused(&["wordcount.conf"], "."), offered);
}

#[test]
fn a_conf_is_loaded_from_its_file_and_its_paths_start_from_its_folder() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.conf");
    let text = "name = x\ntype = batch\nenabled = true\ncode = x.sql\nfile = d/x.log\noutput = csv";
    fs::write(&path, text).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.conf.files, [folder.path().join("d/x.log")]);
    assert_eq!(
        (loaded.source.path(), loaded.source.folder()),
        (path.as_path(), folder.path())
    );
    assert_eq!(loaded.source.line(&["file"]), Some(5));
}

#[test]
fn a_global_conf_that_is_not_there_is_an_error_of_the_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("datashark.conf");
    let diagnostics = load_global(&path).unwrap_err();
    let expected = format!("  x {}: there is no such file\n", path.display());
    assert_eq!(diagnostics.render(Style::Plain, 200), expected);
    fs::write(&path, "[engine]\nworkers = 2\n").unwrap();
    assert_eq!(load_global(&path).unwrap().conf.engine.workers, 2);
}
