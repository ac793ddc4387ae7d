//! Finds and reads `datashark.conf`.

use std::path::{Path, PathBuf};

use datashark_conf::{Diagnostics, Global, GlobalStream};
use datashark_sdk::conf::Problems;

use crate::args::Engine;
use crate::registry::built_in;
use crate::text::{render, say};
use crate::{Failure, WRONG};

/// The global conf that the command line, this folder, `DATASHARK_HOME` or /etc/datashark has; the
/// defaults where there is none.
pub(crate) fn global(args: &Engine) -> Result<Global, Failure> {
    let loaded = load(args).map_err(|diagnostics| {
        say(&render(&diagnostics));
        Failure::Said(WRONG)
    })?;
    say(&render(&loaded.warnings));
    Ok(loaded.conf)
}

/// The global conf as it was read.
pub(crate) struct Loaded {
    pub(crate) conf: Global,
    pub(crate) warnings: Diagnostics,
    /// The file, if there is one.
    pub(crate) path: Option<PathBuf>,
}

/// As [`global`], without saying anything.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn load(args: &Engine) -> Result<Loaded, Diagnostics> {
    let path = find(args);
    let (mut global, warnings) = match &path {
        None => (Global::default_in(Path::new("")), Diagnostics::new()),
        Some(path) => {
            let loaded = datashark_conf::load_global(path)?;
            let problems = datashark_store::check(&loaded.conf.engine.stores);
            if !problems.is_empty() {
                return Err(loaded
                    .source
                    .diagnose(problems.below(["engine", "object_store"])));
            }
            let mut warnings = loaded.warnings;
            let of_stream = loaded.source.diagnose(of_stream(&loaded.conf));
            if of_stream.has_errors() {
                return Err(of_stream);
            }
            warnings.extend(of_stream);
            (loaded.conf, warnings)
        }
    };
    if let Some(state) = &args.state {
        global.engine.state_folder.clone_from(state);
    }
    if let Some(workers) = args.workers {
        global.engine.workers = workers.max(1);
    }
    Ok(Loaded {
        conf: global,
        warnings,
        path,
    })
}

/// What is to be said of the global stream.
fn of_stream(global: &Global) -> Problems {
    let inputs = built_in().inputs;
    let of = |stream: &GlobalStream| {
        let entry = inputs.iter().find(|entry| entry.name == stream.input)?;
        let problems = entry.check(&stream.section, &global.engine.stores);
        Some(stream.placed(problems))
    };
    global.stream.as_ref().and_then(of).unwrap_or_default()
}

/// Where a package puts it.
const OF_THE_SYSTEM: &str = "/etc/datashark/datashark.conf";

fn find(args: &Engine) -> Option<PathBuf> {
    let home = std::env::var_os("DATASHARK_HOME").map(PathBuf::from);
    let home = home.map(|home| home.join("datashark.conf"));
    let here = PathBuf::from("datashark.conf");
    args.global.clone().or_else(|| {
        [Some(here), home, Some(PathBuf::from(OF_THE_SYSTEM))]
            .into_iter()
            .flatten()
            .find(|p| p.is_file())
    })
}
