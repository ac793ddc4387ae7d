//! A folder with plugins in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datashark_plugins::Plugins;
use datashark_sdk::conf::{Problem, Section};
use datashark_sdk::{Asked, DynUseCase, Result, ThirdParty, UseCaseEntry};
use tempfile::TempDir;

/// A folder with plugins, and who looks for them there.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) plugins: Plugins,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = PathBuf::from(env!("CARGO_BIN_EXE_datashark-plugin-host"));
        let plugins = Plugins::new(vec![folder.path().join("plugins")], host, Vec::new());
        fs::create_dir(folder.path().join("plugins")).unwrap();
        World { folder, plugins }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// A library of the tests' own crates, which Cargo builds beside the tests.
    pub(crate) fn with_built(self, built: &str, name: &str) -> Self {
        let beside = std::env::current_exe().unwrap();
        let built = beside.with_file_name(format!("lib{built}.so"));
        fs::copy(&built, self.path("plugins").join(name)).unwrap();
        self
    }

    /// The unruly one.
    pub(crate) fn with_unruly(self, name: &str, options: &[&str]) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut cc = Command::new("cc");
        cc.args([
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-infinite-recursion",
        ]);
        cc.args(options).arg("-I").arg(here.join("../sdk/include"));
        cc.arg("-o")
            .arg(self.path("plugins").join(name))
            .arg(here.join("tests/it/unruly.c"));
        let output = cc.output().expect("a C compiler, `cc`");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self
    }

    pub(crate) fn entry(&self, name: &str) -> Option<Result<UseCaseEntry, Problem>> {
        let folder = self.folder.path();
        self.plugins.use_case(Asked { name, folder })
    }

    /// A use case of its keys, and of those of its sandbox.
    pub(crate) fn use_case(
        &self,
        name: &str,
        own: &[(&str, &str)],
        sandbox: &[(&str, &str)],
    ) -> Result<Box<dyn DynUseCase>> {
        let mut section: Section = own.iter().copied().collect();
        if !sandbox.is_empty() {
            section.insert("sandbox", sandbox.iter().copied().collect::<Section>());
        }
        self.entry(name).unwrap().unwrap().build(&section)
    }
}
