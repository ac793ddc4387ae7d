//! A library's file, looked at before any of its code runs: who may have written it, whether it is for
//! this machine, and whether it is a plugin.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use datashark_sdk::conf::Problem;
use datashark_sdk::ffi::SYMBOL;
use object::{Architecture, BinaryFormat, Object, ObjectSymbol};

/// A larger file is no plugin.
const BYTES_MAX: u64 = 1 << 30;
/// Others may write to it.
const OTHERS_WRITE: u32 = 0o002;
/// In such a folder nobody takes away what is another's.
const STICKY: u32 = 0o1000;

/// A library that may be loaded, as far as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct File {
    /// Where it is, without links on the way.
    pub path: PathBuf,
    /// Which version of the file it is: device, inode, size, modification time.
    identity: (u64, u64, u64, i64, i64),
}

impl File {
    /// Checks a file.
    ///
    /// # Errors
    /// Why it is not loaded.
    pub fn check(path: &Path) -> Result<File, Problem> {
        let unreadable = |error: std::io::Error| {
            Problem::new(format!(
                "cannot read the library {}: {error}",
                path.display()
            ))
        };
        let path = path.canonicalize().map_err(unreadable)?;
        check_owners(&path)?;
        let metadata = fs::metadata(&path).map_err(unreadable)?;
        if !metadata.is_file() || metadata.len() > BYTES_MAX {
            let message = format!("{} is no file of at most {BYTES_MAX} bytes", path.display());
            return Err(Problem::new(message));
        }
        let bytes = fs::read(&path).map_err(unreadable)?;
        check_library(&path, &bytes)?;
        let identity = (
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
        );
        Ok(File { path, identity })
    }
}

/// The file and every folder above it must belong to root or to who runs this, and nobody else may
/// write there.
fn check_owners(path: &Path) -> Result<(), Problem> {
    let us = rustix::process::geteuid().as_raw();
    for part in path.ancestors() {
        let metadata = fs::metadata(part)
            .map_err(|error| Problem::new(format!("{}: {error}", part.display())))?;
        let (owner, mode) = (metadata.uid(), metadata.mode());
        if owner != 0 && owner != us {
            let message = format!(
                "{} is not loaded: {} belongs to user {owner}, neither root nor who runs this",
                path.display(),
                part.display()
            );
            return Err(Problem::new(message).help("who owns it could put anything there"));
        }
        let is_kept = metadata.is_dir() && mode & STICKY != 0;
        if mode & OTHERS_WRITE != 0 && !is_kept {
            let message = format!(
                "{} is not loaded: everybody may write to {}",
                path.display(),
                part.display()
            );
            return Err(Problem::new(message).help(format!("chmod o-w {}", part.display())));
        }
    }
    Ok(())
}

/// The file must be a shared library for this machine that has the symbol of a plugin.
fn check_library(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let refused = |why: String| Problem::new(format!("{} is no plugin: {why}", path.display()));
    if cfg!(not(target_os = "linux")) {
        // The loader says it in its own words.
        return Ok(());
    }
    let library = object::File::parse(bytes)
        .map_err(|_| refused("it is no shared library, or not all of one".to_owned()))?;
    if library.format() != BinaryFormat::Elf || library.architecture() != architecture() {
        let found = format!("{:?}", library.architecture()).to_lowercase();
        let ours = std::env::consts::ARCH;
        let help = format!("build it for {ours}");
        return Err(refused(format!("it is for {found}, and this machine is {ours}")).help(help));
    }
    let is_symbol = |symbol: object::Symbol<'_, '_>| {
        symbol.name() == Ok(SYMBOL) && symbol.is_definition() && symbol.is_global()
    };
    if !library.dynamic_symbols().any(is_symbol) {
        let help = "in Rust: `datashark_sdk::export_usecase!(…)`, the sdk's feature `plugin`, and \
                    `crate-type = [\"cdylib\"]`";
        return Err(refused(format!("it has no `{SYMBOL}`")).help(help));
    }
    if let Some(end) = end_of_segments(bytes)
        && end > bytes.len() as u64
    {
        let what = format!("{} bytes of it are missing", end - bytes.len() as u64);
        return Err(refused(what));
    }
    Ok(())
}

/// Where the last segment ends: the loader maps what is behind a file's end, and dies of it.
fn end_of_segments(bytes: &[u8]) -> Option<u64> {
    use object::read::elf::{FileHeader, ProgramHeader};
    let header = object::elf::FileHeader64::<object::Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, bytes).ok()?;
    let end = |segment: &object::elf::ProgramHeader64<_>| {
        segment
            .p_offset(endian)
            .saturating_add(segment.p_filesz(endian))
    };
    segments.iter().map(end).max()
}

fn architecture() -> Architecture {
    match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => Architecture::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn refusal(path: &Path) -> String {
        File::check(path).unwrap_err().message
    }

    #[test]
    fn what_is_no_library_is_refused_before_it_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let path = folder.join("libmine.so");
        assert!(
            refusal(&path).contains("No such file"),
            "{}",
            refusal(&path)
        );
        fs::write(&path, "a text file").unwrap();
        assert_eq!(
            refusal(&path),
            format!(
                "{} is no plugin: it is no shared library, or not all of one",
                path.display()
            )
        );
        // A real one that is no plugin: this test itself.
        fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
        assert!(refusal(&path).ends_with("it has no `datashark_plugin_table`"));
    }

    #[test]
    fn a_library_that_others_may_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let below = folder.join("plugins");
        fs::create_dir(&below).unwrap();
        let path = below.join("libmine.so");
        fs::write(&path, "").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set(&path, 0o666).unwrap();
        assert!(refusal(&path).ends_with(&format!("everybody may write to {}", path.display())));
        set(&path, 0o644).unwrap();
        set(&below, 0o777).unwrap();
        assert!(refusal(&path).ends_with(&format!("everybody may write to {}", below.display())));
        set(&below, 0o1777).unwrap();
        assert!(refusal(&path).contains("is no plugin"));
    }
}
