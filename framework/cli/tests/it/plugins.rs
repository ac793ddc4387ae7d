//! Plugins of third parties in the binary: loaded, listed, isolated; and folders to begin with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::shark::{Folder, root};

const CONF: &str = "name = Logins\ntype = batch\nenabled = true\ncode = libfailed_logins.so\n\
                    file = logins.json\noutput = csv\nat_least = 2\n[out_csv]\npath = out.csv\n";
const LOGINS: &str = "{\"source_ip\": \"a\", \"outcome\": \"failure\"}\n\
                      {\"source_ip\": \"a\", \"outcome\": \"failure\"}\n\
                      {\"source_ip\": \"b\", \"outcome\": \"failure\"}\n\
                      {\"source_ip\": \"a\", \"outcome\": \"success\"}\n";

/// Compiles a plugin in C into a folder.
fn compile(source: &Path, library: &Path) {
    let mut cc = Command::new("cc");
    cc.args([
        "-shared",
        "-fPIC",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-infinite-recursion",
    ]);
    cc.arg("-I").arg(root().join("framework/sdk/include"));
    let output = cc
        .arg("-o")
        .arg(library)
        .arg(source)
        .output()
        .expect("a C compiler, `cc`");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder with the example in C.
fn with_c() -> Folder {
    let folder = Folder::new();
    let source = root().join("examples/third-party/failed-logins-c/failed_logins.c");
    compile(&source, &folder.path("libfailed_logins.so"));
    folder.write("logins.json", LOGINS);
    folder
}

#[test]
fn a_use_case_in_c_finds_what_it_should_in_either_place() {
    let folder = with_c();
    for isolation in ["", "isolation = process\n", "isolation = none\n"] {
        folder.write(
            "x.conf",
            CONF.replace("at_least", &format!("{isolation}at_least")),
        );
        folder.run(&["standalone", "x.conf"]).ends(0);
        let found = fs::read_to_string(folder.path("out.csv")).unwrap();
        assert!(
            found.ends_with(",a,2,3\n") && found.lines().count() == 1,
            "{found}"
        );
        fs::remove_file(folder.path("out.csv")).unwrap();
        fs::remove_dir_all(folder.path("state")).unwrap();
    }
}

#[test]
fn a_name_is_found_and_mistakes_point_into_the_conf() {
    let folder = with_c();
    folder.write(
        "x.conf",
        CONF.replace("libfailed_logins.so", "failed-logins"),
    );
    folder.run(&["check", "x.conf"]).ends(0);
    folder.write("x.conf", CONF.replace("at_least = 2", "at_least = 0"));
    folder
        .run(&["check", "x.conf"])
        .ends(2)
        .says(&["expected 1 or more", "x.conf:7"]);
    folder.write("x.conf", CONF.replace("at_least = 2", "isolation = proces"));
    let says = [
        "unknown isolation `proces`, did you mean `process`?",
        "x.conf:7",
    ];
    folder.run(&["check", "x.conf"]).ends(2).says(&says);
    folder.write("x.conf", CONF.replace("at_least = 2", "isolation = none"));
    let says = ["the plugin runs in dataShark's own process", "x.conf:7"];
    folder.run(&["check", "x.conf"]).ends(0).says(&says);
    folder.write("x.conf", CONF);
    folder.write("libfailed_logins.so", "a text");
    let says = ["is no plugin: it is no shared library", "x.conf:4"];
    folder.run(&["check", "x.conf"]).ends(2).says(&says);
}

#[test]
fn what_is_found_is_listed_with_its_file() {
    let folder = with_c();
    fs::create_dir(folder.path("plugins")).unwrap();
    fs::rename(
        folder.path("libfailed_logins.so"),
        folder.path("plugins/libfailed_logins.so"),
    )
    .unwrap();
    folder.write("plugins/libnone.so", "a text");
    folder.write("datashark.conf", "[engine]\nworkers = 1\n");
    let listed = folder.run(&["list"]).ends(0).stdout;
    let plugins = listed.split("plugins\n").nth(1).unwrap();
    assert!(
        plugins.contains("failed-logins            sources that failed to log in too often"),
        "{plugins}"
    );
    let line = "use case, version 1.0 by The dataShark contributors, interface 1.1: ";
    assert!(
        plugins.contains(line) && plugins.contains("plugins/libfailed_logins.so"),
        "{plugins}"
    );
    assert!(
        plugins.contains("not usable: ") && plugins.contains("libnone.so is no plugin"),
        "{plugins}"
    );
}

#[test]
fn a_window_that_a_plugin_does_not_survive_is_kept_and_the_others_are_scored() {
    let folder = Folder::new();
    let source = root().join("framework/plugins/tests/it/unruly.c");
    compile(&source, &folder.path("libunruly.so"));
    folder.write("lines.json", "{\"a\": \"x\", \"n\": 1}\n");
    let conf = "name = Unruly\ntype = batch\nenabled = true\ncode = unruly\nfile = lines.json\n\
                output = csv\ndoes = segfault\n[codec]\nformat = json\n[columns]\na = text\nn = integer\n\
                [out_csv]\npath = out.csv\n[sandbox]\nmax_retries = 1\n";
    folder.write("x.conf", conf);
    let ran = folder.run(&["standalone", "x.conf"]).ends(1);
    ran.says(&[
        "does not survive `score`, tried 2 times: it was ended by SIGSEGV",
        "1 windows could not be scored",
    ]);
    let listed = folder.run(&["quarantine", "list"]).ends(0);
    assert!(listed.stdout.contains("windows"), "{}", listed.stdout);
    // Mended, it is given the window again; what it then finds is delivered, and nothing is left.
    folder.write("x.conf", conf.replace("does = segfault", "does = nothing"));
    folder.run(&["quarantine", "replay", "x.conf"]).ends(0);
    let found = fs::read_to_string(folder.path("out.csv")).unwrap();
    assert!(found.ends_with(",x,1\n"), "{found}");
    let listed = folder.run(&["quarantine", "list"]).ends(0);
    assert!(!listed.stdout.contains("windows"), "{}", listed.stdout);
}

/// The sdk's crate as it is published, unpacked where nothing else of ours is.
fn packaged() -> &'static Path {
    static PACKAGED: OnceLock<PathBuf> = OnceLock::new();
    PACKAGED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "package",
            "--package",
            "datashark-sdk",
            "--no-verify",
            "--offline",
            "--allow-dirty",
        ]);
        succeeds(cargo.arg("--target-dir").arg(&folder).current_dir(root()));
        let framework = folder.join("framework");
        let _ = fs::remove_dir_all(&framework);
        fs::create_dir(&framework).unwrap();
        let name = format!("datashark-sdk-{}", env!("CARGO_PKG_VERSION"));
        let mut tar = Command::new("tar");
        tar.arg("xzf")
            .arg(folder.join(format!("package/{name}.crate")))
            .arg("-C")
            .arg(&framework);
        succeeds(&mut tar);
        fs::rename(framework.join(name), framework.join("sdk")).unwrap();
        folder
    })
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}\n{stdout}");
    stdout
}

/// Makes a crate, builds and tests it as its author would, offline, with this binary and the published
/// sdk.
fn made(kind: &str, name: &str) {
    let folder = Folder::new();
    let source = packaged().display().to_string();
    folder
        .run(&["new", kind, name, "--source", &source])
        .ends(0);
    let folder = folder.path(name);
    // The versions that are here already.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline"]).current_dir(&folder);
    // Built once for all of them.
    cargo.env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("third-party"),
    );
    cargo.env("DATASHARK", env!("CARGO_BIN_EXE_datashark"));
    let stdout = succeeds(&mut cargo);
    let passed = "the_sample_gives_what_is_expected ... ok";
    assert!(stdout.contains(passed), "{stdout}");
}

#[test]
fn a_new_use_case_builds_and_passes_its_test() {
    made("usecase", "my-logins");
}

#[test]
fn a_new_output_builds_and_passes_its_test() {
    made("output", "my-lines");
}

#[test]
fn a_new_input_builds_and_passes_its_test() {
    made("input", "my-file");
}

#[test]
fn a_new_use_case_in_sql_runs_as_it_is() {
    let folder = Folder::new();
    folder.run(&["new", "usecase", "my-query", "--sql"]).ends(0);
    folder.run(&["check", "my-query/my-query.conf"]).ends(0);
    let found = folder
        .run(&["standalone", "-d", "my-query/my-query.conf"])
        .ends(0);
    assert!(found.stdout.contains("10.0.0.1"), "{}", found.stdout);
    // What is there is not written over.
    folder
        .run(&["new", "usecase", "my-query", "--sql"])
        .ends(1)
        .says(&["my-query"]);
    folder
        .run(&["new", "output", "x", "--sql"])
        .ends(2)
        .says(&["only a use case can be written in SQL"]);
    folder
        .run(&["new", "usecase", "My Query"])
        .ends(2)
        .says(&["expected a name of small letters"]);
}
