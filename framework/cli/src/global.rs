//! Finds and reads `datashark.conf`.

use std::path::{Path, PathBuf};

use datashark_conf::Global;

use crate::args::Engine;
use crate::text::{render, say};
use crate::{Failure, WRONG};

/// The global conf that the command line, this folder or `DATASHARK_HOME` names; the defaults
/// where there is none.
pub(crate) fn global(args: &Engine) -> Result<Global, Failure> {
    let mut global = match find(args) {
        None => Global::default_in(Path::new("")),
        Some(path) => match datashark_conf::load_global(path) {
            Ok(loaded) => {
                say(&render(&loaded.warnings));
                let stores = datashark_store::check(&loaded.conf.engine.stores);
                let problems = stores.below(["engine", "object_store"]);
                if !problems.is_empty() {
                    say(&render(&loaded.source.diagnose(problems)));
                    return Err(Failure::Said(WRONG));
                }
                loaded.conf
            }
            Err(diagnostics) => {
                say(&render(&diagnostics));
                return Err(Failure::Said(WRONG));
            }
        },
    };
    if let Some(state) = &args.state {
        global.engine.state_folder.clone_from(state);
    }
    if let Some(workers) = args.workers {
        global.engine.workers = workers.max(1);
    }
    Ok(global)
}

fn find(args: &Engine) -> Option<PathBuf> {
    let home = std::env::var_os("DATASHARK_HOME").map(PathBuf::from);
    let home = home.map(|home| home.join("datashark.conf"));
    let here = PathBuf::from("datashark.conf");
    args.global.clone().or_else(|| {
        [Some(here), home]
            .into_iter()
            .flatten()
            .find(|p| p.is_file())
    })
}
