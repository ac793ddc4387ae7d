//! `datashark list`: what is built in and which plugins are found, a line each.

use std::io::Write;

use datashark_plugins::Listed;
use datashark_sdk::ffi::host::About;

use crate::Failure;
use crate::args::Engine;
use crate::global::global;
use crate::registry::{built_in, plugins};

/// Prints the lists.
pub(crate) fn run(engine: &Engine) -> Result<(), Failure> {
    let plugins = plugins(&global(engine)?);
    let registry = built_in();
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
    print("codecs ([codec] format = …)", codecs)?;
    third_party(&plugins.list())
}

/// The plugins that lie where they are looked for, and those that cannot be used.
fn third_party(listed: &[Listed]) -> Result<(), Failure> {
    if listed.is_empty() {
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "plugins")?;
    for Listed { path, about } in listed {
        let path = path.display();
        match about {
            Ok(About {
                kind,
                name,
                about,
                version,
                author,
                interface: (major, minor),
                ..
            }) => {
                writeln!(stdout, "  {name:<24} {about}")?;
                let by = match author.is_empty() {
                    true => String::new(),
                    false => format!(" by {author}"),
                };
                let what = format!("{kind}, version {version}{by}, interface {major}.{minor}");
                writeln!(stdout, "  {:<24} {what}: {path}", "")?;
            }
            Err(why) => writeln!(stdout, "  {:<24} not usable: {why}", "?")?,
        }
    }
    Ok(())
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
