//! `include/datashark.h` says what the Rust side says: a C compiler is asked to compare them.

#![expect(clippy::unwrap_used, reason = "a helper of tests is a test")]

use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

use datashark_sdk::ffi::{MAJOR, MINOR, abi};

/// Lines that assert the size of a structure and where its fields are.
macro_rules! layout {
    ($lines:ident, $c:literal, $rust:ty, $($field:ident),+) => {
        $lines.push(format!("_Static_assert(sizeof(struct {}) == {}, \"{}\");", $c, size_of::<$rust>(), $c));
        $($lines.push(format!(
            "_Static_assert(offsetof(struct {}, {}) == {}, \"{}.{}\");",
            $c, stringify!($field), offset_of!($rust, $field), $c, stringify!($field)
        ));)+
    };
}

fn assertions() -> Vec<String> {
    let mut lines = vec!["#include \"datashark.h\"".to_owned()];
    layout!(lines, "datashark_text", abi::Text, data, len);
    layout!(lines, "datashark_reply", abi::Reply, host, put);
    layout!(lines, "datashark_interval", abi::Interval, start, end);
    layout!(lines, "datashark_file", abi::File, key, content);
    layout!(
        lines,
        "datashark_findings",
        abi::Findings,
        use_case,
        window,
        time,
        rows
    );
    layout!(
        lines,
        "datashark_plugin",
        abi::Plugin,
        size,
        major,
        minor,
        kind,
        reserved,
        name,
        about,
        version,
        author,
        table
    );
    layout!(
        lines,
        "datashark_use_case",
        abi::UseCase,
        size,
        make,
        drop,
        describe,
        train,
        load,
        drop_model,
        score,
        reduce_load,
        drop_state,
        reduce_add,
        reduce_merge,
        reduce_rows,
        reduce_size,
        reduce_save,
        files,
        make_with_files,
        reduce_refused,
        screen
    );
    layout!(
        lines,
        "datashark_output",
        abi::Output,
        size,
        check,
        open,
        drop,
        write,
        sync,
        delivered
    );
    layout!(
        lines,
        "datashark_input",
        abi::Input,
        size,
        describe,
        check,
        open,
        drop,
        next,
        acknowledge,
        status
    );
    layout!(
        lines,
        "ArrowArrayStream",
        arrow::ffi_stream::FFI_ArrowArrayStream,
        get_schema,
        get_next,
        get_last_error,
        release,
        private_data
    );
    layout!(
        lines,
        "ArrowArray",
        arrow::ffi::FFI_ArrowArray,
        length,
        null_count,
        offset,
        n_buffers,
        n_children,
        buffers,
        children,
        dictionary,
        release,
        private_data
    );
    for (name, value) in [
        ("MAJOR", i64::from(MAJOR)),
        ("MINOR", i64::from(MINOR)),
        ("OK", i64::from(abi::OK)),
        ("WRONG_CONF", i64::from(abi::WRONG_CONF)),
        ("WRONG_DATA", i64::from(abi::WRONG_DATA)),
        ("IO_FAILED", i64::from(abi::IO_FAILED)),
        ("DEFECT", i64::from(abi::DEFECT)),
        ("USE_CASE", i64::from(abi::USE_CASE)),
        ("OUTPUT", i64::from(abi::OUTPUT)),
        ("INPUT", i64::from(abi::INPUT)),
    ] {
        lines.push(format!(
            "_Static_assert(DATASHARK_{name} == {value}, \"{name}\");"
        ));
    }
    lines
}

fn compile(folder: &Path, lines: &[String]) -> (bool, String) {
    let source = folder.join("layout.c");
    std::fs::write(&source, lines.join("\n")).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
        "-I",
    ]);
    let output = cc
        .arg(include)
        .arg(&source)
        .output()
        .expect("a C compiler, `cc`");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_header_lays_everything_out_as_the_rust_side_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = assertions();
    let (fits, said) = compile(folder.path(), &lines);
    assert!(fits, "{said}");
    // Such an assertion can fail.
    lines.push("_Static_assert(sizeof(struct datashark_text) == 1, \"one\");".to_owned());
    let (fits, said) = compile(folder.path(), &lines);
    assert!(!fits && said.contains("\"one\""), "{said}");
}
