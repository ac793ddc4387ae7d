//! `datashark list`: what is built in, a line each.

use std::io::Write;

use crate::Failure;
use crate::registry::registry;

/// Prints the lists.
pub(crate) fn run() -> Result<(), Failure> {
    let registry = registry();
    let use_cases = registry
        .use_cases
        .iter()
        .map(|entry| (entry.name, entry.about));
    let sql = (
        "NAME.sql",
        "a query over the table `records`, in a file beside the conf",
    );
    print("use cases (code = …)", use_cases.chain([sql]))?;
    print(
        "inputs (input = …)",
        registry
            .inputs
            .iter()
            .map(|entry| (entry.name, entry.about)),
    )?;
    print(
        "outputs (output = …)",
        registry
            .outputs
            .iter()
            .map(|entry| (entry.name, entry.about)),
    )?;
    let codecs = datashark_codec::registry::names();
    print("codecs ([codec] format = …)", codecs)
}

fn print<'a>(
    title: &str,
    entries: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{title}")?;
    for (name, about) in entries {
        writeln!(stdout, "  {name:<24} {about}")?;
    }
    Ok(())
}
